"""Who may answer a question, and which option they mean."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.questions import Answerer, NotTaken, Taken, fault, judge, meant
from nanoclaw.core.responders import Responders
from nanoclaw.model.ids import OutboundId, QuestionId, SessionId, UserId
from nanoclaw.model.messages import Address
from nanoclaw.model.questions import Question, QuestionState
from nanoclaw.model.rights import Standing
from schema.payloads import AskQuestion, Option
from tests.support.central import CHANNEL, NOW, ROOM

YES, NO = Option(label="Yes, please", value="yes"), Option(label="No", value="no")
ADA, BOB = UserId("test:ada"), UserId("test:bob")
OPEN = Question(
    id=QuestionId("q1"),
    session_id=SessionId("s"),
    ledger_id=OutboundId("out"),
    asked_of=ADA,
    channel=CHANNEL,
    platform_id="room",
    thread_id=None,
    title="Cake",
    question="Do you want cake?",
    options="{}",
    state=QuestionState.OPEN,
    asked_at=NOW,
    expires_at=None,
    ended_at=None,
    answered_by=None,
    answer=None,
)
ANSWERED = evolve(OPEN, state=QuestionState.ANSWERED, ended_at=NOW, answered_by=ADA, answer="yes")


def judged(
    question: Question | None,
    said: str = "1",
    *,
    place: Address = ROOM,
    sender: UserId = ADA,
    standing: Standing = Standing.STRANGER,
    speaks: bool = True,
    responders: Responders | None = None,
) -> Taken | NotTaken:
    who = Answerer(id=sender, standing=standing, speaks=speaks)
    options = (YES, NO)
    option = meant(said, options)
    return judge(question, options, option, place=place, responders=responders, who=who, answered_by="Ada")


@pytest.mark.parametrize(
    ("said", "option"),
    [
        ("1", YES),
        ("2", NO),
        (" 2. ", NO),
        ("2)", NO),
        ("no", NO),
        ("NO ", NO),
        ("yes,   PLEASE", YES),
        ("yes", YES),
        ("Yes", None),
        ("0", None),
        ("3", None),
        ("-1", None),
        ("²", None),
        ("1111", None),
        ("", None),
        ("no, thanks", None),
    ],
)
def test_an_option_is_meant_by_its_number_its_label_or_its_value(said: str, option: Option | None) -> None:
    assert meant(said, (YES, NO)) == option


def test_a_label_that_is_a_number_counts_before_the_numbers() -> None:
    three, one = Option(label="3", value="three"), Option(label="1", value="one")
    assert meant("1", (three, one)) == one
    assert meant("2", (three, one)) == one


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=20), st.text(max_size=30))
def test_nothing_is_meant_but_an_option_and_every_option_of_a_sound_question_can_be(
    labels: list[str], said: str
) -> None:
    options = tuple(Option(label=label, value=f"v{number}") for number, label in enumerate(labels))
    assert meant(said, options) in (*options, None)
    if fault(AskQuestion(question_id="q", title="", question="?", options=options)) is None:
        assert [meant(option.label, options) for option in options] == list(options)


def test_whoever_it_was_asked_of_and_admins_may_answer_and_nobody_else() -> None:
    assert judged(OPEN) == Taken(YES)
    for standing in Standing:
        verdict = judged(OPEN, sender=BOB, standing=standing)
        is_admin = standing in (Standing.OWNER, Standing.GLOBAL_ADMIN, Standing.ADMIN)
        assert isinstance(verdict, Taken) == is_admin
        assert is_admin or (isinstance(verdict, NotTaken) and verdict.reason == "not-yours-to-answer")
    nobodys = evolve(OPEN, asked_of=None)
    assert isinstance(judged(nobodys), NotTaken)
    assert judged(nobodys, standing=Standing.ADMIN) == Taken(YES)


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("speaks", [True, False])
@pytest.mark.parametrize("sender", [ADA, BOB])
@pytest.mark.parametrize(
    ("responders", "who"),
    [
        (None, {ADA}),
        (Responders(), set()),
        (Responders(anyone=True), {ADA, BOB}),
        (Responders(people=(BOB,)), {BOB}),
        (Responders(anyone=True, people=(BOB,)), {ADA, BOB}),
    ],
)
def test_who_may_answer_is_whoever_was_named_as_long_as_they_may_speak_and_admins(
    responders: Responders | None, who: set[UserId], sender: UserId, speaks: bool, standing: Standing
) -> None:
    verdict = judged(OPEN, sender=sender, standing=standing, speaks=speaks, responders=responders)
    is_admin = standing in (Standing.OWNER, Standing.GLOBAL_ADMIN, Standing.ADMIN)
    may = is_admin or (sender in who and (speaks or responders is None))
    assert isinstance(verdict, Taken) == may


@pytest.mark.parametrize(
    ("question", "said", "place", "reason", "word"),
    [
        (None, "1", ROOM, "no-question", "no such question"),
        (OPEN, "1", Address(channel=CHANNEL, platform_id="elsewhere"), "no-question", "no such question"),
        (OPEN, "9", ROOM, "no-option", "none of the answers"),
        (ANSWERED, "1", ROOM, "question-over", "“Yes, please”, by Ada"),
        (evolve(OPEN, state=QuestionState.EXPIRED, ended_at=NOW), "1", ROOM, "question-over", "in time"),
        (evolve(OPEN, state=QuestionState.UNDELIVERED, ended_at=NOW), "1", ROOM, "question-over", "closed"),
    ],
)
def test_what_is_no_answer_says_why(
    question: Question | None, said: str, place: Address, reason: str, word: str
) -> None:
    verdict = judged(question, said, place=place)
    assert isinstance(verdict, NotTaken)
    assert verdict.reason == reason
    assert word in verdict.why


def test_a_stranger_learns_nothing_of_how_a_question_was_answered() -> None:
    verdict = judged(ANSWERED, sender=BOB)
    assert isinstance(verdict, NotTaken)
    assert "Yes" not in verdict.why


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ((YES, YES), "labels"),
        ((YES, Option(label="YES,  please", value="other")), "labels"),
        ((YES, Option(label="Other", value="yes")), "values"),
        ((YES, Option(label=" ", value="x")), "labels"),
        ((YES, Option(label="x", value="")), "values"),
    ],
)
def test_a_question_that_nobody_could_answer_is_faulty(options: tuple[Option, ...], word: str) -> None:
    found = fault(AskQuestion(question_id="q", title="t", question="?", options=options))
    assert found is not None
    assert word in found

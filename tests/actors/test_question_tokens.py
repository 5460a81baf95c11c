"""What a button of a question says is a token of the host's: one option of one question, there, while it is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import define, evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.approvals import PREFIX
from nanoclaw.kit.ids import ALPHABET
from nanoclaw.model.ids import ApprovalId, QuestionId, RoleId, UserId
from nanoclaw.model.messages import Choice
from nanoclaw.model.questions import QuestionState
from nanoclaw.model.rights import Grant, Role
from nanoclaw.store import approvals, button_tokens, drops, ledger, people, questions
from nanoclaw.store.button_tokens import Buttons
from nanoclaw.store.events import Accepted, Decided, Ignored, Verdict
from schema import payloads
from schema.payloads import AskQuestion
from schema.rows import OutKind
from schema.sqlite import execute, fetch
from tests.actors.absorbing import Case, a_case, a_row
from tests.support import approvals_case
from tests.support.approvals_case import PENDING, with_people
from tests.support.central import NOW, everything, said
from tests.support.questions import TEA_OR_COFFEE, asked

Q1, Q2 = QuestionId("q1"), QuestionId("q2")
BOSS = UserId("test:boss")


@define
class Asked:
    """Two questions that an agent asked the boss, and how their buttons are pressed."""

    case: Case
    number: int = 100

    def tokens(self, which: QuestionId) -> dict[str, str]:
        """What its buttons say, by their labels, as a platform is told."""
        question = questions.get(self.case.world.conn, which)
        assert question is not None
        row = ledger.get(self.case.world.conn, question.ledger_id)
        assert row is not None
        return {one.label: one.value for one in payloads.read_as(AskQuestion, row.content).options}

    def press(self, what: str, which: QuestionId = Q1, *, by: str = "Boss", room: str = "room") -> Verdict:
        """Somebody presses a button that says *what*, below a message that is *which*."""
        self.number += 1
        choice = Choice(question=which, said=what)
        return self.case.world.accept(evolve(said(self.number, room=room, text="", sender=by), choice=choice))

    def states(self) -> list[str]:
        """How the two stand."""
        found = [questions.get(self.case.world.conn, one) for one in (Q1, Q2)]
        return [one.state.value for one in found if one is not None]


@pytest.fixture
def two() -> Asked:
    """They are shown."""
    return asked_two()


def asked_two() -> Asked:
    """They are shown, and the boss is an owner."""
    case = a_case()
    case.world.user("boss")
    owner = Grant(id=RoleId("r1"), user_id=BOSS, role=Role.OWNER, agent_group_id=None, granted_by=None, granted_at=NOW)
    people.grant(case.world.conn, owner)
    for number, name in enumerate((Q1, Q2), start=1):
        what = AskQuestion(question_id=name, title="Drinks", question="Which?", options=TEA_OR_COFFEE)
        case.absorb(rows=(a_row(number, kind=OutKind.ASK_QUESTION, payload=what),))
    execute(case.world.conn, "UPDATE ledger SET state = 'delivered', settled_at = created_at")
    return Asked(case)


def test_each_option_has_a_token_of_its_own_and_its_agent_gets_the_value_that_it_gave(two: Asked) -> None:
    secrets = [*two.tokens(Q1).values(), *two.tokens(Q2).values()]
    assert len(set(secrets)) == 4
    assert all(len(one) * 5 >= 128 and set(one) <= set(ALPHABET) for one in secrets)
    assert isinstance(two.press(two.tokens(Q1)["Coffee"]), Accepted)
    (answer,) = fetch(two.case.world.conn, "SELECT content FROM inbound WHERE id = 'answer-q1'")
    assert '\\"value\\":\\"coffee\\"' in str(answer["content"]).replace(" ", "")
    assert not any(one in str(answer["content"]) for one in secrets), "no agent sees what its buttons say"
    assert two.states() == ["answered", "open"]


OTHERS: dict[str, tuple[Callable[[Asked], Verdict], str]] = {
    "another question's token": (lambda two: two.press(two.tokens(Q2)["Tea"]), "no-option"),
    "its token below another question": (lambda two: two.press(two.tokens(Q1)["Tea"], Q2), "no-option"),
    "a number": (lambda two: two.press("1"), "no-option"),
    "a label": (lambda two: two.press("Tea"), "no-option"),
    "a value": (lambda two: two.press("tea"), "no-option"),
    "a part of it": (lambda two: two.press(two.tokens(Q1)["Tea"][:-1]), "no-option"),
    "another chat": (lambda two: two.press(two.tokens(Q1)["Tea"], room="elsewhere"), "no-question"),
    "forwarded to a chat of theirs": (lambda two: two.press(two.tokens(Q1)["Tea"], room="dm"), "no-question"),
    "below a message that is none": (lambda two: two.press(two.tokens(Q1)["Tea"], QuestionId("q3")), "no-question"),
    "below a card that is none": (
        lambda two: two.press(two.tokens(Q1)["Tea"], QuestionId(f"{PREFIX}q1/code")),
        "no-approval",
    ),
    "somebody else": (lambda two: two.press(two.tokens(Q1)["Tea"], by="Eve"), "not-yours-to-answer"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_whatever_else_is_pressed_answers_nothing_and_is_on_record(two: Asked, name: str) -> None:
    press, reason = OTHERS[name]
    for _ in range(2):
        ignored = press(two)
        assert isinstance(ignored, Ignored)
        assert ignored.reason == reason
    assert two.states() == ["open", "open"]
    assert [drop.reason for drop in drops.recent(two.case.world.conn)] == [reason] * 2
    assert not fetch(two.case.world.conn, "SELECT 1 FROM inbound WHERE id LIKE 'answer-%'")
    assert isinstance(two.press(two.tokens(Q1)["Tea"]), Accepted), "the button itself still works"


def test_a_token_counts_once(two: Asked) -> None:
    first = two.tokens(Q1)
    assert isinstance(two.press(first["Tea"]), Accepted)
    for again in (first["Tea"], first["Coffee"], "1"):
        ignored = two.press(again)
        assert isinstance(ignored, Ignored)
        assert ignored.reason == "question-over"
    assert two.states() == ["answered", "open"]


@pytest.mark.parametrize("end", [QuestionState.EXPIRED, QuestionState.UNDELIVERED])
def test_a_token_is_worth_nothing_after_the_end(two: Asked, end: QuestionState) -> None:
    questions.close(two.case.world.conn, Q1, end, now=NOW + timedelta(hours=1))
    ignored = two.press(two.tokens(Q1)["Tea"])
    assert isinstance(ignored, Ignored)
    assert ignored.reason == "question-over"
    assert two.states() == [end.value, "open"]


SHARED = asked_two()
"""Nothing that is guessed changes it, so one serves all guesses."""
GUESSES = st.text(max_size=40) | st.text(ALPHABET, min_size=26, max_size=26) | st.sampled_from(["1", "tea", "Coffee"])


@given(guess=GUESSES)
def test_no_guess_answers_anything(guess: str) -> None:
    before = everything(SHARED.case.world.conn)["questions"]
    ignored = SHARED.press(guess)
    assert isinstance(ignored, Ignored)
    assert ignored.reason == "no-option"
    assert everything(SHARED.case.world.conn)["questions"] == before


def test_what_is_typed_counts_as_before_on_a_terminal_and_elsewhere(two: Asked) -> None:
    typed = Choice(question=Q1, said="2", typed=True)
    assert isinstance(two.case.world.accept(evolve(said(1, text="2", sender="Boss"), choice=typed)), Accepted)
    assert isinstance(two.case.world.accept(said(2, text="tea", sender="Boss")), Accepted)
    rows = fetch(two.case.world.conn, "SELECT id, answer FROM questions ORDER BY id")
    assert [tuple(row.values()) for row in map(dict, rows)] == [("q1", "coffee"), ("q2", "tea")]


@pytest.mark.parametrize("what", ["2", "coffee"])
def test_a_button_that_an_older_program_has_shown_still_answers(what: str) -> None:
    two = asked_two()
    execute(two.case.world.conn, "DELETE FROM question_tokens WHERE question_id = 'q1'")
    assert isinstance(two.press(what), Accepted)
    assert two.states() == ["answered", "open"]


def test_tokens_go_with_their_question(two: Asked) -> None:
    execute(two.case.world.conn, "DELETE FROM questions WHERE id = 'q1'")
    rows = fetch(two.case.world.conn, "SELECT DISTINCT question_id FROM question_tokens")
    assert [row["question_id"] for row in rows] == ["q2"]


def test_a_cards_token_answers_no_question_and_a_questions_token_decides_nothing() -> None:
    there = with_people()
    card = there.send(there.ask(), "test:boss")
    two = ask_there(there)
    mine, its = two["tea"], there.tokens(card)["Approve"]
    world = there.world
    below_card = there.press(card, mine, number=1)
    choice = Choice(question=Q1, said=its)
    below_question = world.accept(evolve(said(2, text="", sender="Boss"), choice=choice))
    assert [one.reason for one in (below_card, below_question) if isinstance(one, Ignored)] == ["no-option"] * 2
    assert there.state(ApprovalId(card.approval_id)) == PENDING
    assert approvals.executing(world.conn) == []
    right = Choice(question=Q1, said=mine)
    assert isinstance(world.accept(evolve(said(3, text="", sender="Boss"), choice=right)), Accepted)
    assert isinstance(there.press(card, its, number=4), Decided)


def ask_there(there: approvals_case.Case) -> dict[str, str]:
    """A question in the room of those people, with tokens; what its buttons say, by their values."""
    question = asked(there.world, there.session, Q1, of=BOSS)
    tokens = {"tea": "t" * 26, "coffee": "c" * 26}
    button_tokens.keep(there.world.conn, Buttons.QUESTION, question.id, tokens)
    return tokens

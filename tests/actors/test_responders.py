"""Whom an agent lets answer a question: settled when it asks, and held against whoever presses or types."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from attrs import evolve

from nanoclaw.model.channels import ConfiguredChannel
from nanoclaw.model.entities import SenderScope, UnknownSenderPolicy
from nanoclaw.model.ids import QuestionId, UserId
from nanoclaw.model.messages import Choice, InboundEvent
from nanoclaw.model.rights import Member
from nanoclaw.store import channels, drops, entities, people, questions, wirings
from nanoclaw.store.events import Accepted, Ignored
from nanoclaw.store.questions import seen_in
from schema.payloads import AskQuestion, Option
from schema.rows import OutKind
from schema.sqlite import execute, fetch
from tests.actors.absorbing import Case, a_case, a_row
from tests.support.central import CHANNEL, ROOM, said

YES_NO = (Option(label="Yes", value="yes"), Option(label="No", value="no"))


@pytest.fixture
def case() -> Case:
    """Ada, Bob and Eve have spoken in the room, and Mallory elsewhere."""
    case = a_case()
    for number, who in enumerate(("Ada", "Bob", "Eve"), start=1):
        assert isinstance(case.world.accept(said(number, sender=who)), Accepted)
    assert isinstance(case.world.accept(evolve(said(4, sender="Mallory"), platform_id="elsewhere")), Accepted)
    return case


def ask(case: Case, *responders: str, number: int = 1) -> bool:
    """Ask so; says whether it is asked."""
    asked = AskQuestion(question_id=f"q{number}", title="Cake", question="Cake?", options=YES_NO, responders=responders)
    case.absorb(rows=(a_row(number, kind=OutKind.ASK_QUESTION, payload=asked),))
    execute(case.world.conn, "UPDATE ledger SET state = 'delivered', settled_at = created_at")
    return questions.get(case.world.conn, QuestionId(f"q{number}")) is not None


def presses(case: Case, who: str, number: int) -> InboundEvent:
    (row,) = fetch(case.world.conn, "SELECT token FROM question_tokens WHERE question_id = 'q1' AND value = 'yes'")
    choice = Choice(question=QuestionId("q1"), said=str(row["token"]))
    return evolve(said(number, text="", sender=who), choice=choice)


def who_may(case: Case, whom: Sequence[str] = ("Ada", "Bob", "Eve", "Mallory")) -> list[str]:
    """Those whose answer is taken, be it pressed or typed; each is asked in a world as it is."""
    found = []
    for number, who in enumerate(whom):
        for event in (presses(case, who, 100 + number), said(200 + number, text="Yes", sender=who)):
            execute(case.world.conn, "SAVEPOINT one")
            accepted = case.world.accept(event)
            taken = bool(fetch(case.world.conn, "SELECT 1 FROM questions WHERE state = 'answered'"))
            assert taken == bool(fetch(case.world.conn, "SELECT 1 FROM inbound WHERE id = 'answer-q1'"))
            assert taken or not isinstance(accepted, Accepted) or event.choice is None
            execute(case.world.conn, "ROLLBACK TO one")
            execute(case.world.conn, "RELEASE one")
            found += [who] if taken else []
    assert found[::2] == found[1::2], "what may be pressed may be typed"
    return found[::2]


@pytest.mark.parametrize(
    ("responders", "may"),
    [
        ((), []),
        (("Bob",), ["Bob"]),
        (("bob", "Eve"), ["Bob", "Eve"]),
        (("anyone",), ["Ada", "Bob", "Eve", "Mallory"]),
        (("admins",), []),
    ],
)
def test_those_may_answer_who_were_named_and_no_others(case: Case, responders: tuple[str, ...], may: list[str]) -> None:
    assert ask(case, *responders)
    assert who_may(case) == may


def test_whoever_is_named_by_a_message_of_theirs_is_whom_the_platform_says(case: Case) -> None:
    seen = {one.name: one.number for one in seen_in(case.world.conn, case.place.session.id, ROOM)}
    assert set(seen) == {"Ada", "Bob", "Eve"}
    assert ask(case, f"#{seen['Bob']}")
    assert who_may(case) == ["Bob"]
    impostor = evolve(presses(case, "Bob", 300), sender_id=UserId(f"{CHANNEL}:eve"))
    ignored = case.world.accept(impostor)
    assert isinstance(ignored, Ignored)
    assert ignored.reason == "not-yours-to-answer"


@pytest.mark.parametrize("name", ["test:bob", "Mallory", "bob@test", "#1", "#99999", "", "agt-nano", "nano"])
def test_a_name_that_is_nobodys_there_asks_nothing_and_its_agent_is_told_why(case: Case, name: str) -> None:
    assert not ask(case, "Ada", name)
    assert case.reasons() == ["unknown-responder"]
    (told,) = fetch(case.world.conn, "SELECT content, trigger FROM inbound WHERE id LIKE 'note:%'")
    assert "came to nothing" in str(told["content"])
    assert told["trigger"] == 1, "somebody waits for the answer"
    assert case.ledger() == []


def test_anyone_is_whoever_may_speak_to_the_agent_there_at_that_moment(case: Case) -> None:
    conn, chat = case.world.conn, case.place.messaging_group
    assert chat is not None
    assert ask(case, "anyone", "Bob")
    entities.update_messaging_group(conn, evolve(chat, unknown_sender_policy=UnknownSenderPolicy.STRICT))
    assert who_may(case) == []
    agent, bob = case.place.agent_group.id, UserId(f"{CHANNEL}:bob")
    people.add_member(conn, Member(user_id=bob, agent_group_id=agent, added_by=None, added_at=case.world.now))
    assert who_may(case) == ["Bob"]
    entities.update_messaging_group(conn, chat)
    (wiring,) = wirings.wirings_of(conn, chat.id)
    wirings.update_wiring(conn, evolve(wiring, sender_scope=SenderScope.KNOWN))
    assert who_may(case) == ["Bob"]
    wirings.delete_wiring(conn, wiring)
    assert who_may(case) == []


def test_programs_answer_nothing(case: Case) -> None:
    conn = case.world.conn
    hook = ConfiguredChannel(name=CHANNEL, kind="webhook", settings="{}", created_at=case.world.now, enabled=True)
    channels.add(conn, hook)
    assert not ask(case, "anyone")
    assert "programs" in drops.recent(conn)[0].detail
    assert ask(case, "admins", number=2)

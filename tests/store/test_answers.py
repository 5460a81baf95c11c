"""Answers to questions: taken once, from those who may, in the transaction that stores the event."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from nanoclaw.model.ids import InboundId, OutboundId, QuestionId, RoleId, UserId
from nanoclaw.model.messages import Choice, InboundEvent, LedgerState, Revision, RevisionKind
from nanoclaw.model.questions import Question, QuestionState
from nanoclaw.model.rights import Grant, Role
from nanoclaw.store import drops, inbound, ledger, people, questions, revisions
from nanoclaw.store import notices as host
from nanoclaw.store.events import Accepted, Duplicate, Ignored
from schema.payloads import SystemIn, read_in
from schema.rows import InKind
from schema.sqlite import fetch
from tests.support.central import CHANNEL, ROOM, World, everything, said
from tests.support.questions import asked


@pytest.fixture
def world() -> World:
    """A session in which Ada has said something, and its agent has asked what she wants to drink."""
    world = World()
    world.session()
    ask(world, "q1", answers=heard(world))
    return world


def heard(world: World, number: int = 1) -> InboundId:
    """Ada says something; the row that her agent has of it."""
    accepted = world.accept(said(number))
    assert isinstance(accepted, Accepted)
    (row,) = fetch(world.conn, "SELECT id FROM inbound WHERE event_id = ?", (accepted.event,))
    return InboundId(str(row["id"]))


def ask(world: World, name: str, *, answers: InboundId, seconds: int | None = None) -> Question:
    """The session's agent asks Ada, in answer to that."""
    row = inbound.get(world.conn, answers)
    assert row is not None
    return asked(world, row.session_id, name, answers=answers, of=UserId("test:ada"), seconds=seconds)


def typed(text: str, number: int = 2, sender: str = "Ada") -> InboundEvent:
    return said(number, text=text, sender=sender)


def pressed(choice: str, number: int = 2, sender: str = "Ada", question: str = "q1") -> InboundEvent:
    return evolve(typed("", number, sender), choice=Choice(question=QuestionId(question), said=choice))


def state(world: World, name: str = "q1") -> tuple[str, str | None]:
    question = questions.get(world.conn, QuestionId(name))
    assert question is not None
    return question.state.value, question.answer


def notices(world: World) -> list[str]:
    """What the host itself has said in the chat."""
    rows = fetch(world.conn, "SELECT content FROM ledger WHERE id LIKE '%/host/%' ORDER BY position")
    return [json.loads(str(row["content"]))["text"] for row in rows]


@pytest.mark.parametrize("event", [typed("2"), typed(" coffee"), pressed("coffee"), pressed("Coffee"), pressed("2")])
def test_an_answer_wakes_the_agent_that_asked_with_all_that_it_needs(world: World, event: InboundEvent) -> None:
    accepted = world.accept(event)
    assert isinstance(accepted, Accepted)
    assert accepted.answers_for == "1"
    row = inbound.get(world.conn, InboundId("answer-q1"))
    assert row is not None
    assert accepted.woken == (row.session_id,)
    assert (row.kind, row.trigger, row.event_id) == (InKind.SYSTEM, True, accepted.event)
    assert (row.channel, row.platform_id) == (CHANNEL, "room")
    content = read_in(row.kind, row.content)
    assert isinstance(content, SystemIn)
    assert content.action == "question_response"
    assert json.loads(content.text) == {
        "question_id": "q1",
        "question": "What would you like?",
        "value": "coffee",
        "label": "Coffee",
        "by": "Ada",
    }
    assert state(world) == ("answered", "coffee")


def test_the_message_of_a_question_is_changed_to_say_who_chose_what(world: World) -> None:
    accepted = world.accept(pressed("coffee"))
    assert isinstance(accepted, Accepted)
    assert [lane.platform_id for lane in accepted.lanes] == [ROOM.platform_id]
    (row,) = fetch(world.conn, "SELECT * FROM ledger WHERE about = 'out-q1'")
    assert (row["kind"], row["session_id"]) == ("edit", None)
    assert json.loads(str(row["content"]))["text"] == "Drinks\nWhat would you like?\n— Ada: Coffee"
    world.conn.execute("UPDATE questions SET channel = 'web' WHERE id = 'q1'").fetchall()
    page = questions.get(world.conn, QuestionId("q1"))
    assert page is not None
    assert not questions.show_answer(world.conn, page, "Tea", "Ada", accepted.event, now=world.now)


def test_the_same_event_again_is_no_second_answer_and_knows_what_the_first_was_for(world: World) -> None:
    world.accept(typed("1"))
    before = everything(world.conn)
    again = world.accept(typed("1"))
    assert isinstance(again, Duplicate)
    assert again.answers_for == "1"
    assert len(again.sessions) == 1
    assert everything(world.conn) == before


@pytest.mark.parametrize("event", [typed("3"), typed("tea or coffee?"), typed("1", sender="Bob")])
def test_words_that_are_no_answer_are_a_message_like_any_other(world: World, event: InboundEvent) -> None:
    accepted = world.accept(event)
    assert isinstance(accepted, Accepted)
    assert accepted.answers_for is None
    assert state(world) == ("open", None)
    assert inbound.get(world.conn, InboundId("answer-q1")) is None


def test_words_do_not_answer_a_question_that_nobody_can_have_seen(world: World) -> None:
    questions.close(world.conn, QuestionId("q1"), QuestionState.EXPIRED, now=world.now)
    row = inbound.get(world.conn, heard(world, 9))
    assert row is not None
    asked(world, row.session_id, "q2", of=UserId("test:ada"), shown=False)
    world.accept(typed("1"))
    assert state(world, "q2") == ("open", None)


def test_words_after_the_answer_are_a_message_again(world: World) -> None:
    world.accept(typed("1"))
    accepted = world.accept(typed("1", 3))
    assert isinstance(accepted, Accepted)
    (row,) = fetch(world.conn, "SELECT kind FROM inbound WHERE event_id = ?", (accepted.event,))
    assert row["kind"] == "chat"
    assert notices(world) == []


def test_of_two_questions_the_latest_is_meant(world: World) -> None:
    ask(world, "q2", answers=heard(world, 9))
    world.accept(typed("1"))
    assert (state(world, "q2"), state(world)) == (("answered", "tea"), ("open", None))
    world.accept(typed("2", 3))
    assert state(world) == ("answered", "coffee")


def test_pressing_again_is_answered_politely_once_and_changes_nothing(world: World) -> None:
    world.accept(pressed("tea"))
    for number in (3, 4):
        late = world.accept(pressed("coffee", number))
        assert isinstance(late, Ignored)
        assert late.reason == "question-over"
        assert late.lanes
    assert state(world) == ("answered", "tea")
    (told,) = notices(world)
    assert told == "This question has been answered: “Tea”, by Ada."
    assert [drop.reason for drop in drops.recent(world.conn)] == ["question-over"] * 2


def test_whoever_may_not_answer_is_told_so_and_an_admin_may(world: World) -> None:
    foreign = world.accept(pressed("tea", sender="Bob"))
    assert isinstance(foreign, Ignored)
    assert foreign.reason == "not-yours-to-answer"
    assert "only whoever" in notices(world)[0].lower()
    bob = world.user("bob")
    owner = Grant(
        id=RoleId("r1"), user_id=bob, role=Role.OWNER, agent_group_id=None, granted_by=None, granted_at=world.now
    )
    people.grant(world.conn, owner)
    assert isinstance(world.accept(pressed("tea", 3, sender="Bob")), Accepted)
    assert state(world) == ("answered", "tea")


@pytest.mark.parametrize("event", [pressed("tea", question="q9"), evolve(pressed("tea"), platform_id="elsewhere")])
def test_a_question_that_is_not_there_is_a_record_and_no_talk(world: World, event: InboundEvent) -> None:
    ignored = world.accept(event)
    assert isinstance(ignored, Ignored)
    assert (ignored.reason, ignored.lanes) == ("no-question", frozenset())
    assert state(world) == ("open", None)
    assert notices(world) == []


def test_words_in_a_thread_answer_no_question_of_the_chat_itself(world: World) -> None:
    world.accept(evolve(typed("1"), thread_id="t1"), threaded=True)
    assert state(world) == ("open", None)


def test_what_was_told_as_ordinary_talk_is_one_answer_also_when_it_is_told_as_said_to_us(world: World) -> None:
    assert isinstance(world.accept(evolve(typed("1"), mention=False)), Accepted)
    assert isinstance(world.accept(typed("1")), Duplicate)


def test_nobody_in_time_ends_it_once_and_tells_its_chat_and_its_agent(world: World) -> None:
    question = ask(world, "q2", answers=heard(world, 9), seconds=60)
    assert questions.expire(world.conn, question.id, now=world.wait(seconds=59)) is None
    ended = questions.expire(world.conn, question.id, now=world.wait(seconds=1))
    assert ended is not None
    assert ended[0] == question.session_id
    assert questions.expire(world.conn, question.id, now=world.wait(seconds=1)) is None
    assert state(world, "q2") == ("expired", None)
    assert notices(world) == ["The question “Drinks” is closed: nobody answered in time."]
    note = inbound.get(world.conn, InboundId("note:question_expired:q2"))
    assert note is not None
    assert not note.trigger, "its turn is still under way"
    late = world.accept(pressed("tea", question="q2"))
    assert isinstance(late, Ignored)
    assert "in time" in late.detail
    # An operator sees whose question it was, and which.
    [record] = drops.recent(world.conn, reason="question-over")
    assert record.agent_group_id == "agt-nano"
    assert f"(q2: “{question.question}”" in record.detail


def test_an_agent_whose_turn_is_gone_is_woken_when_nobody_answered(world: World) -> None:
    asked_for = heard(world, 9)
    question = ask(world, "q2", answers=asked_for, seconds=60)
    inbound.settle(world.conn, asked_for, error=None, now=world.now)
    assert questions.expire(world.conn, question.id, now=world.wait(seconds=60)) is not None
    note = inbound.get(world.conn, InboundId("note:question_expired:q2"))
    assert note is not None
    assert note.trigger


def test_a_question_that_never_arrived_is_closed_until_it_is_sent_again(world: World) -> None:
    ledger.settle(world.conn, OutboundId("out-q1"), LedgerState.DEAD, error="no", now=world.now)
    questions.undelivered(world.conn, "out-q1", "forbidden", now=world.now)
    assert state(world) == ("undelivered", None)
    accepted = world.accept(typed("1"))
    assert isinstance(accepted, Accepted)
    assert accepted.answers_for is None
    questions.reopen(world.conn, "out-q1")
    assert state(world) == ("open", None)


def test_a_question_that_a_host_was_sending_when_it_died_is_answered_before_it_is_there_again(world: World) -> None:
    question = questions.get(world.conn, QuestionId("q1"))
    assert question is not None
    world.conn.execute("UPDATE ledger SET state = 'sending', settled_at = NULL").fetchall()
    ledger.put_back(world.conn, question.ledger_id, not_before=None, error=None, doubt=True)
    world.accept(typed("2"))
    assert state(world) == ("answered", "coffee")


def test_changing_what_was_typed_does_not_change_the_answer(world: World) -> None:
    world.accept(typed("1"))
    change = Revision(
        channel=CHANNEL,
        platform_message_id="2",
        revision="r1",
        kind=RevisionKind.DELETION,
        sender_id=UserId(f"{CHANNEL}:ada"),
        sender="Ada",
    )
    revisions.revise(world.conn, change, now=world.now)
    row = inbound.get(world.conn, InboundId("answer-q1"))
    assert row is not None
    assert row.status.value == "pending"
    assert "Tea" in row.content


def test_an_answer_that_could_not_be_worked_on_is_told_to_whoever_gave_it(world: World) -> None:
    world.accept(typed("1"))
    row = inbound.get(world.conn, InboundId("answer-q1"))
    assert row is not None
    assert host.message_failed(world.conn, row, "tired", now=world.now)
    assert "tired" in notices(world)[-1]

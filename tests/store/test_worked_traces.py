"""What operators of NanoClaw v2 know, from the first message to the last row: a chat never seen before, and a question.

How an agent answers another in the session that asked is told in tests/actors/test_agent_mail.py.
"""

from __future__ import annotations

from nanoclaw.core.speech import question_in_words
from nanoclaw.model.approvals import CardState
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, SenderScope, SessionMode
from nanoclaw.model.questions import QuestionState
from nanoclaw.store import approvals, drops, questions, wirings
from nanoclaw.store.events import Accepted, Decided, Ignored
from schema import payloads
from schema.payloads import AskQuestion
from schema.sqlite import fetch
from tests.support.approvals import carry_out
from tests.support.approvals_case import with_people
from tests.support.central import World, said
from tests.support.questions import asked


def test_a_mention_in_a_chat_that_was_never_seen_becomes_a_card_a_wiring_a_member_and_the_first_message() -> None:
    case = with_people()
    world = case.world
    first = world.accept(said(1, room="C7", sender="Eve", text="are you there?", thread="t1"), threaded=True)
    assert isinstance(first, Ignored)
    assert first.asked
    [waits] = approvals.approvals(world.conn)
    card = case.send(waits.id, "test:boss")
    # Again while the card is open: one more drop, no more cards.
    again = world.accept(said(2, room="C7", sender="Eve", text="hello?", thread="t1"), threaded=True)
    assert isinstance(again, Ignored)
    assert [one.id for one in approvals.approvals(world.conn)] == [waits.id]
    assert [drop.reason for drop in drops.recent(world.conn)] == [first.reason] * 2
    assert isinstance(case.press(card, case.tokens(card)["Connect to nano"], number=901), Decided)
    assert carry_out(world, threaded=True) == []
    [wiring] = [one for one in wirings.wirings(world.conn) if one.messaging_group_id == waits.messaging_group_id]
    assert (wiring.engage_mode, wiring.sender_scope) == (EngageMode.MENTION_STICKY, SenderScope.KNOWN)
    assert (wiring.ignored_message_policy, wiring.session_mode) == (IgnoredMessagePolicy.ACCUMULATE, SessionMode.SHARED)
    members = fetch(world.conn, "SELECT user_id, added_by FROM members")
    assert members == [{"user_id": "test:eve", "added_by": "test:boss"}]
    [heard] = fetch(
        world.conn,
        "SELECT i.content, s.thread_id FROM inbound i JOIN sessions s ON s.id = session_id WHERE kind = 'chat'",
    )
    assert heard["thread_id"] == "t1"
    assert payloads.read_as(payloads.ChatIn, str(heard["content"])).text == "are you there?"
    assert {one.state for one in case.cards()} == {CardState.OVER}
    later = world.accept(said(3, room="C7", sender="Eve", mention=False, thread="t1"), threaded=True)
    assert isinstance(later, Accepted)
    assert later.woken, "it stays in the thread that it is in"


def test_a_chat_that_was_rejected_is_silent_and_nothing_of_it_is_kept() -> None:
    case = with_people()
    world = case.world
    world.accept(said(1, room="C7", sender="Eve", text="kumquat"))
    [waits] = approvals.approvals(world.conn)
    card = case.send(waits.id, "test:boss")
    assert isinstance(case.press(card, case.tokens(card)["Reject"]), Decided)
    assert fetch(world.conn, "SELECT 1 FROM messaging_groups WHERE platform_id = 'C7' AND denied_at IS NOT NULL")
    later = world.accept(said(2, room="C7", sender="Eve"))
    assert isinstance(later, Ignored)
    assert (later.reason, later.asked, later.lanes) == ("chat-denied", False, frozenset())
    assert b"kumquat" not in world.conn.serialize("main")


def test_a_question_is_a_message_with_options_whose_answer_is_a_row_for_whoever_asked_also_much_later() -> None:
    world = World()
    session = world.session()
    world.accept(said(1))
    [row] = fetch(world.conn, "SELECT id FROM inbound")
    question = asked(world, session, answers=str(row["id"]), of=world.user())
    [shown] = fetch(world.conn, "SELECT content FROM ledger")
    text = question_in_words(payloads.read_as(AskQuestion, str(shown["content"])))
    assert "\n1. Tea\n2. Coffee\n" in text
    world.wait(seconds=86_400)
    answered = world.accept(said(2, text="coffee"))
    assert isinstance(answered, Accepted)
    assert answered.woken == (session,)
    found = questions.get(world.conn, question.id)
    assert found is not None
    assert (found.state, found.answer, found.answered_by) == (QuestionState.ANSWERED, "coffee", "test:ada")
    [told] = fetch(world.conn, "SELECT content, trigger FROM inbound WHERE kind = 'system'")
    said_ = payloads.read_as(payloads.SystemIn, str(told["content"]))
    response = payloads.read_as(payloads.QuestionResponse, said_.text)
    assert (said_.action, told["trigger"]) == (payloads.QUESTION_RESPONSE, 1)
    assert (response.question_id, response.value, response.label) == (question.id, "coffee", "Coffee")

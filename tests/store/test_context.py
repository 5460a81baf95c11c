"""What was said in a chat itself, and the threads that take it over."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy
from nanoclaw.model.ids import EpochNumber, InboundId, SessionId
from nanoclaw.store import context, inbound, notices
from nanoclaw.store.events import Accepted
from schema import payloads
from schema.sqlite import fetch
from tests.support.central import World, everything, said


def listening() -> World:
    """One agent on a platform where every message may begin a thread; it keeps what is not said to it."""
    world = World()
    world.wire(world.chat(), world.agent(), mode=EngageMode.MENTION_STICKY, ignored=IgnoredMessagePolicy.ACCUMULATE)
    return world


def mutter(world: World, number: int) -> SessionId:
    """Say something in the chat itself, to nobody; returns whose context it is."""
    world.wait(seconds=1)
    talk = said(number, text=f"talk {number}", thread=f"t{number}", starts_thread=True, mention=False)
    verdict = world.accept(talk, threaded=True)
    assert isinstance(verdict, Accepted)
    assert verdict.woken == ()
    [session] = verdict.kept
    return session


def ask(world: World, number: int, thread: str, *, mention: bool = True) -> SessionId:
    """Say something to the agent in a thread; returns the session that it wakes."""
    world.wait(seconds=1)
    verdict = world.accept(said(number, text=f"ask {number}", thread=thread, mention=mention), threaded=True)
    assert isinstance(verdict, Accepted)
    [session] = verdict.woken
    return session


def texts(world: World, session: SessionId) -> list[str]:
    """What a session is told, in order."""
    told = [payloads.read_in(row.kind, row.content) for row in inbound.shown(world.conn, session, EpochNumber(1))]
    return [payload.text for payload in told if isinstance(payload, payloads.ChatIn | payloads.SystemIn)]


def test_two_threads_each_take_the_chats_context_over_once_and_before_what_wakes_them() -> None:
    world = listening()
    [chat] = {mutter(world, number) for number in (1, 2, 3)}
    one, two = ask(world, 10, "one"), ask(world, 11, "two")
    assert texts(world, one) == ["talk 1", "talk 2", "talk 3", "ask 10"]
    assert texts(world, two) == ["talk 1", "talk 2", "talk 3", "ask 11"]
    assert texts(world, chat) == ["talk 1", "talk 2", "talk 3"]
    for session in (one, two):
        rows = inbound.open_rows(world.conn, session)
        assert [row.trigger for row in rows] == [False, False, False, True]
        assert [row.seq for row in rows] == [2, 4, 6, 8]
        assert inbound.work(world.conn, session, now=world.now).due == 1


def test_a_copy_is_a_row_of_its_own_that_says_when_and_where_the_original_was_said() -> None:
    world = listening()
    chat = mutter(world, 1)
    thread = ask(world, 2, "t")
    [original] = inbound.open_rows(world.conn, chat)
    copy = inbound.open_rows(world.conn, thread)[0]
    assert copy.id == f"{original.id}:{thread}"
    assert copy == evolve(original, id=copy.id, session_id=thread, touched=copy.touched)


def test_later_turns_take_over_only_what_has_come_since() -> None:
    world = listening()
    mutter(world, 1)
    thread = ask(world, 2, "t")
    mutter(world, 3)
    mutter(world, 4)
    assert ask(world, 5, "t", mention=False) == thread
    assert ask(world, 6, "t", mention=False) == thread
    assert texts(world, thread) == ["talk 1", "ask 2", "talk 3", "talk 4", "ask 5", "ask 6"]


def test_a_thread_takes_over_the_last_fifty_and_forgets_the_others_for_good() -> None:
    world = listening()
    for number in range(context.MOST_TAKEN + 7):
        mutter(world, number)
    thread = ask(world, 100, "t")
    assert texts(world, thread) == [*(f"talk {number}" for number in range(7, 57)), "ask 100"]
    ask(world, 101, "t")
    assert texts(world, thread)[-2:] == ["ask 100", "ask 101"]
    assert len(texts(world, thread)) == context.MOST_TAKEN + 2


def test_the_thread_that_a_kept_message_began_takes_that_message_over_too() -> None:
    world = listening()
    mutter(world, 1)
    assert texts(world, ask(world, 2, "t1")) == ["talk 1", "ask 2"]


def test_a_mention_in_the_chat_itself_begins_a_thread_that_knows_what_was_said_before() -> None:
    world = listening()
    mutter(world, 1)
    verdict = world.accept(said(2, text="ask", thread="t2", starts_thread=True), threaded=True)
    assert isinstance(verdict, Accepted)
    assert texts(world, verdict.woken[0]) == ["talk 1", "ask"]
    assert inbound.open_rows(world.conn, verdict.woken[0])[1].thread_id == "t2"


def test_what_was_answered_in_the_chats_own_session_is_nobodys_context() -> None:
    world = listening()
    chat = mutter(world, 1)
    answered = world.accept(said(2, text="to the chat"), threaded=True)
    assert isinstance(answered, Accepted)
    assert answered.woken == (chat,)
    assert texts(world, ask(world, 3, "t")) == ["talk 1", "ask 3"]


def test_what_the_chats_own_agent_has_read_is_still_context_for_a_thread() -> None:
    world = listening()
    chat = mutter(world, 1)
    for row in inbound.open_rows(world.conn, chat):
        inbound.settle(world.conn, row.id, error=None, now=world.now)
    assert texts(world, ask(world, 2, "t")) == ["talk 1", "ask 2"]


def test_what_failed_was_withdrawn_or_said_by_the_host_is_not_taken_over() -> None:
    world = listening()
    [chat] = {mutter(world, number) for number in (1, 2, 3)}
    inbound.settle(world.conn, InboundId("evt-1:agt-nano"), error="boom", now=world.now)
    inbound.withdraw(world.conn, InboundId("evt-2:agt-nano"), "{}", now=world.now)
    notices.tell_agent(world.conn, chat, key="k", action="a", text="a note", now=world.now)
    assert texts(world, ask(world, 4, "t")) == ["talk 3", "ask 4"]


def test_another_agents_context_is_its_own() -> None:
    world = listening()
    other = world.agent("other")
    [room] = fetch(world.conn, "SELECT id FROM messaging_groups")
    assert room["id"] == "chat-test-room"
    world.wire(world.chat("elsewhere"), other, ignored=IgnoredMessagePolicy.ACCUMULATE, mode=EngageMode.MENTION)
    mutter(world, 1)
    world.accept(said(2, room="elsewhere", text="theirs", thread="x", starts_thread=True, mention=False), threaded=True)
    assert texts(world, ask(world, 3, "t")) == ["talk 1", "ask 3"]


def test_accumulating_in_a_thread_takes_nothing_over_before_the_agent_engages() -> None:
    world = listening()
    mutter(world, 1)
    kept = world.accept(said(2, text="murmur", thread="t", mention=False), threaded=True)
    assert isinstance(kept, Accepted)
    [thread] = kept.kept
    assert texts(world, thread) == ["murmur"]
    assert ask(world, 3, "t") == thread
    assert texts(world, thread) == ["murmur", "talk 1", "ask 3"]


def test_the_same_question_again_takes_nothing_over_a_second_time() -> None:
    world = listening()
    mutter(world, 1)
    ask(world, 2, "t")
    mutter(world, 3)
    before = everything(world.conn)
    world.accept(said(2, text="ask 2", thread="t"), threaded=True)
    assert everything(world.conn) == before


@given(st.lists(st.one_of(st.none(), st.sampled_from(["one", "two"])), max_size=20))
def test_every_thread_has_heard_all_the_talk_before_its_last_question_once_and_in_order(
    steps: list[str | None],
) -> None:
    world = listening()
    sessions: dict[str, SessionId] = {}
    expected: dict[str, list[str]] = {"one": [], "two": []}
    new: dict[str, list[str]] = {"one": [], "two": []}
    for number, thread in enumerate(steps):
        if thread is None:
            mutter(world, number)
            for waiting in new.values():
                waiting.append(f"talk {number}")
        else:
            sessions[thread] = ask(world, number, thread)
            expected[thread] += [*new[thread], f"ask {number}"]
            new[thread] = []
    for thread, session in sessions.items():
        assert texts(world, session) == expected[thread]
        seqs = [row.seq for row in inbound.shown(world.conn, session, EpochNumber(1))]
        assert seqs == [2 * place for place in range(1, len(seqs) + 1)]

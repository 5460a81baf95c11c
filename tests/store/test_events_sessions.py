"""Into which conversations an event goes, and in which threads an agent stays."""

from __future__ import annotations

import pytest
from attrs import evolve

from nanoclaw.model.entities import (
    AgentGroup,
    EngageMode,
    IgnoredMessagePolicy,
    MessagingGroup,
    SessionKey,
    SessionMode,
)
from nanoclaw.model.ids import SessionId
from nanoclaw.store import facts, inbound, sessions, wirings
from nanoclaw.store.events import Accepted, Ignored
from schema.sqlite import fetch
from tests.support.central import World, said

STICKY, MENTION = EngageMode.MENTION_STICKY, EngageMode.MENTION
KEEP = IgnoredMessagePolicy.ACCUMULATE
SHARED, PER_THREAD, AGENT_SHARED = SessionMode.SHARED, SessionMode.PER_THREAD, SessionMode.AGENT_SHARED


def keys(world: World) -> list[tuple[str, str | None, str | None]]:
    """Every session, the oldest first: whose, in which chat, in which thread."""
    return [
        (session.agent_group_id, session.messaging_group_id, session.thread_id)
        for session in sessions.sessions(world.conn)
    ]


def place(world: World, *, is_group: bool = True, mode: SessionMode = SHARED) -> tuple[MessagingGroup, AgentGroup]:
    """One agent that hears everything in one chat."""
    chat, agent = world.chat(is_group=is_group), world.agent()
    world.wire(chat, agent, session_mode=mode)
    return chat, agent


def woken(world: World, number: int, thread: str | None, *, threaded: bool, is_group: bool = True) -> SessionId:
    """The one session that a message in *thread* wakes."""
    verdict = world.accept(said(number, thread=thread, is_group=is_group), threaded=threaded)
    assert isinstance(verdict, Accepted)
    [session] = verdict.woken
    return session


@pytest.mark.parametrize("mode", [SHARED, PER_THREAD])
def test_each_thread_of_a_group_is_a_conversation_of_its_own(mode: SessionMode) -> None:
    world = World()
    place(world, mode=mode)
    found = [woken(world, number, thread, threaded=True) for number, thread in enumerate(["t1", "t2", "t1", None])]
    assert found[0] == found[2]
    assert len(set(found)) == 3
    assert keys(world) == [("agt-nano", "chat-test-room", thread) for thread in ("t1", "t2", None)]


@pytest.mark.parametrize("mode", [SHARED, PER_THREAD])
def test_a_channel_without_threads_has_one_conversation_whatever_its_events_say(mode: SessionMode) -> None:
    world = World()
    place(world, mode=mode)
    found = [woken(world, number, thread, threaded=False) for number, thread in enumerate(["t1", "t2", None])]
    assert len(set(found)) == 1
    assert keys(world) == [("agt-nano", "chat-test-room", None)]
    rows = inbound.open_rows(world.conn, found[0])
    assert [row.thread_id for row in rows] == [None, None, None], "an answer goes to the chat"
    assert fetch(world.conn, "SELECT * FROM engagements") == []


@pytest.mark.parametrize(("mode", "conversations"), [(SHARED, 1), (PER_THREAD, 3)])
def test_a_conversation_of_two_keeps_its_wirings_mode(mode: SessionMode, conversations: int) -> None:
    world = World()
    place(world, is_group=False, mode=mode)
    threads = ["t1", "t2", None]
    found = [woken(world, number, thread, threaded=True, is_group=False) for number, thread in enumerate(threads)]
    assert len(set(found)) == conversations
    rows = [row for session in dict.fromkeys(found) for row in inbound.open_rows(world.conn, session)]
    assert [row.thread_id for row in rows] == threads, "an answer goes where it was asked"


def test_agent_shared_chats_have_one_conversation_that_no_other_chat_joins() -> None:
    world = World()
    agent = world.agent()
    for room, mode in (("a", AGENT_SHARED), ("b", AGENT_SHARED), ("c", SHARED)):
        world.wire(world.chat(room), agent, session_mode=mode)
    alone = woken_in(world, 1, "c")
    both = [woken_in(world, 2, "a"), woken_in(world, 3, "b")]
    assert both[0] == both[1] != alone
    assert keys(world) == [("agt-nano", "chat-test-c", None), ("agt-nano", None, None)]
    assert [row.platform_id for row in inbound.open_rows(world.conn, both[0])] == ["a", "b"]


def woken_in(world: World, number: int, room: str) -> SessionId:
    """The one session that a message in *room* wakes."""
    verdict = world.accept(said(number, room=room))
    assert isinstance(verdict, Accepted)
    [session] = verdict.woken
    return session


def test_two_agents_that_share_their_chats_do_not_share_a_conversation() -> None:
    world = World()
    chat = world.chat()
    for name in ("one", "two"):
        world.wire(chat, world.agent(name), session_mode=AGENT_SHARED)
    verdict = world.accept(said(1))
    assert isinstance(verdict, Accepted)
    assert keys(world) == [("agt-one", None, None), ("agt-two", None, None)]


def test_an_agent_stays_in_a_thread_that_it_has_taken_something_up_in() -> None:
    world = World()
    world.wire(world.chat(), world.agent(), mode=STICKY)
    first = world.accept(said(1, thread="t1"), threaded=True)
    assert isinstance(first, Accepted)
    assert first.subscribe
    second = world.accept(said(2, thread="t1", mention=False), threaded=True)
    assert isinstance(second, Accepted)
    assert second.woken == first.woken
    for number, thread in enumerate(["t2", None], start=3):
        assert isinstance(world.accept(said(number, thread=thread, mention=False), threaded=True), Ignored)


def test_keeping_something_as_context_makes_no_thread_stick() -> None:
    world = World()
    world.wire(world.chat(), world.agent(), mode=STICKY, ignored=KEEP)
    for number in (1, 2, 3):
        verdict = world.accept(said(number, thread="t", mention=False), threaded=True)
        assert isinstance(verdict, Accepted)
        assert (verdict.woken, len(verdict.kept), verdict.subscribe) == ((), 1, False)
    assert fetch(world.conn, "SELECT * FROM engagements") == []


def test_a_thread_sticks_for_who_engaged_in_it_and_for_no_other() -> None:
    world = World()
    chat, other_chat = world.chat(), world.chat("elsewhere")
    for name, mode in (("stays", STICKY), ("polite", MENTION), ("eager", EngageMode.PATTERN)):
        agent = world.agent(name)
        world.wire(chat, agent, mode=mode, pattern="deploy")
        world.wire(other_chat, agent, mode=STICKY)
    world.accept(said(1, thread="t"), threaded=True)
    assert facts.engaged_in(world.conn, chat.id, "t") == {"agt-stays", "agt-polite"}
    second = world.accept(said(2, thread="t", mention=False), threaded=True)
    assert isinstance(second, Accepted)
    assert [row["id"] for row in fetch(world.conn, "SELECT id FROM inbound WHERE event_id = 'evt-2'")] == [
        "evt-2:agt-stays"
    ]
    third = world.accept(said(3, room="elsewhere", thread="t", mention=False), threaded=True)
    assert isinstance(third, Ignored), "it is another chat's thread of the same name"


def test_a_wiring_made_sticky_later_stays_where_its_agent_has_engaged_before() -> None:
    world = World()
    wiring = world.wire(world.chat(), world.agent(), mode=MENTION)
    world.accept(said(1, thread="t"), threaded=True)
    assert isinstance(world.accept(said(2, thread="t", mention=False), threaded=True), Ignored)
    wirings.update_wiring(world.conn, evolve(wiring, engage_mode=STICKY))
    assert isinstance(world.accept(said(3, thread="t", mention=False), threaded=True), Accepted)


def test_a_wiring_that_goes_takes_along_where_its_agent_has_engaged_and_no_others() -> None:
    world = World()
    chat = world.chat()
    made = [world.wire(chat, world.agent(name), mode=STICKY) for name in ("goes", "stays")]
    world.accept(said(1, thread="t"), threaded=True)
    wirings.delete_wiring(world.conn, made[0])
    wirings.add_wiring(world.conn, made[0], now=world.now)
    assert facts.engaged_in(world.conn, chat.id, "t") == {"agt-stays"}


@pytest.mark.parametrize(
    ("mode", "threaded", "is_group", "thread", "subscribes"),
    [
        (STICKY, True, True, "t", True),
        (STICKY, False, True, "t", False),
        (STICKY, True, False, "t", False),
        (STICKY, True, True, None, False),
        (STICKY, True, True, "", False),
        (MENTION, True, True, "t", False),
        (EngageMode.PATTERN, True, True, "t", False),
    ],
)
def test_a_thread_is_subscribed_to_where_an_agent_would_stay_in_it(
    mode: EngageMode, *, threaded: bool, is_group: bool, thread: str | None, subscribes: bool
) -> None:
    world = World()
    world.wire(world.chat(is_group=is_group), world.agent(), mode=mode)
    verdict = world.accept(said(1, thread=thread, is_group=is_group), threaded=threaded)
    assert isinstance(verdict, Accepted)
    assert verdict.subscribe is subscribes


def test_what_is_kept_in_the_chat_itself_goes_to_the_chats_conversation_and_in_a_thread_to_the_threads() -> None:
    world = World()
    world.wire(world.chat(), world.agent(), mode=MENTION, ignored=KEEP)
    for number, starts in ((1, True), (2, False)):
        world.accept(said(number, thread="t", starts_thread=starts, mention=False), threaded=True)
    assert keys(world) == [("agt-nano", "chat-test-room", None), ("agt-nano", "chat-test-room", "t")]
    assert [row["session_id"] for row in fetch(world.conn, "SELECT session_id FROM inbound ORDER BY id")] == [
        "ses-1",
        "ses-2",
    ]


def test_sessions_of_other_agents_and_threads_are_not_near() -> None:
    world = World()
    chat = world.chat()
    wiring = world.wire(chat, world.agent(), session_mode=AGENT_SHARED)
    other = world.wire(chat, world.agent("other"))
    here, there = world.session_of(other, "t"), world.session_of(other, "elsewhere")
    own = sessions.session_for(
        world.conn,
        SessionKey(agent_group_id=wiring.agent_group_id, messaging_group_id=None, thread_id=None),
        mint=world.mint,
        now=world.now,
    )
    near = sessions.sessions_near(world.conn, chat.id, "t", [wiring, other])
    assert set(near.values()) == {here, own}
    assert there not in near.values()
    assert sessions.sessions_near(world.conn, chat.id, None, [other]) == {}

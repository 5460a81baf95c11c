"""A platform tells of one message twice: once as talk, then as something that was said to us."""

from __future__ import annotations

import pytest
from attrs import evolve

from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, SessionMode, UnknownSenderPolicy
from nanoclaw.model.ids import InboundId
from nanoclaw.store import drops, entities, inbound, people
from nanoclaw.store.events import Accepted, Duplicate, Ignored
from schema.rows import InStatus
from schema.sqlite import fetch
from tests.support.central import World, everything, said

MENTION = EngageMode.MENTION
KEEP = IgnoredMessagePolicy.ACCUMULATE
MINE = InboundId("evt-1:agt-nano")


def listening(ignored: IgnoredMessagePolicy = IgnoredMessagePolicy.DROP) -> World:
    """One agent that takes up mentions in the room."""
    world = World()
    world.wire(world.chat(), world.agent(), mode=MENTION, ignored=ignored)
    return world


def test_what_was_dropped_as_talk_is_taken_up_once_it_is_said_to_us() -> None:
    world = listening()
    first = world.accept(said(1, mention=False))
    assert isinstance(first, Ignored)
    assert [drop.reason for drop in drops.recent(world.conn)] == ["not-engaged"]
    assert fetch(world.conn, "SELECT mention, sender_id FROM events") == [{"mention": 0, "sender_id": None}]
    second = world.accept(said(1))
    assert isinstance(second, Accepted)
    assert second.event == first.event
    assert (world.row(MINE).trigger, world.row(MINE).session_id) == (True, second.woken[0])
    assert drops.recent(world.conn) == []
    assert fetch(world.conn, "SELECT mention, sender_id FROM events") == [{"mention": 1, "sender_id": "test:ada"}]
    assert [user.id for user in people.users(world.conn)] == ["test:ada"]


def test_what_was_kept_becomes_what_wakes_and_stays_one_row() -> None:
    world = listening(KEEP)
    first = world.accept(said(1, mention=False))
    assert isinstance(first, Accepted)
    assert (first.woken, len(first.kept)) == ((), 1)
    kept = world.row(MINE)
    assert not kept.trigger
    world.accept(said(2, mention=False, text="and then this"))
    second = world.accept(said(1))
    assert isinstance(second, Accepted)
    assert (second.woken, second.kept) == (first.kept, ())
    now = world.row(MINE)
    assert now == evolve(kept, trigger=True, touched=now.touched)
    assert now.touched > kept.touched, "a running session has to be shown it again"
    assert [row.id for row in inbound.open_rows(world.conn, now.session_id)] == [MINE, "evt-2:agt-nano"]


def test_a_third_telling_is_a_duplicate_that_names_who_has_still_to_answer() -> None:
    world = listening(KEEP)
    world.accept(said(1, mention=False))
    second = world.accept(said(1))
    assert isinstance(second, Accepted)
    before = everything(world.conn)
    for mention in (True, False):
        assert world.accept(said(1, mention=mention)) == Duplicate(event=second.event, sessions=second.woken)
    assert everything(world.conn) == before
    inbound.settle(world.conn, MINE, error=None, now=world.now)
    assert world.accept(said(1)) == Duplicate(event=second.event, sessions=())


def test_what_its_agent_has_taken_along_already_is_not_answered_a_second_time() -> None:
    world = listening(KEEP)
    kept = world.accept(said(1, mention=False))
    assert isinstance(kept, Accepted)
    inbound.claim(world.conn, MINE, world.epoch(kept.kept[0]), now=world.now)
    claimed = world.row(MINE)
    world.accept(said(1))
    assert world.row(MINE) == claimed
    inbound.settle(world.conn, MINE, error=None, now=world.now)
    assert (world.row(MINE).trigger, world.row(MINE).status) == (False, InStatus.COMPLETED)


def test_who_had_taken_it_up_the_first_time_does_not_hear_it_again() -> None:
    world = World()
    room = world.chat()
    eager, polite = world.agent("eager"), world.agent("polite")
    world.wire(room, eager)
    world.wire(room, polite, mode=MENTION)
    world.accept(said(1, mention=False))
    first = world.row(InboundId("evt-1:agt-eager"))
    second = world.accept(said(1))
    assert isinstance(second, Accepted)
    assert world.row(InboundId("evt-1:agt-eager")) == first
    assert world.row(InboundId("evt-1:agt-polite")).trigger
    assert [row["id"] for row in fetch(world.conn, "SELECT id FROM inbound ORDER BY id")] == [
        "evt-1:agt-eager",
        "evt-1:agt-polite",
    ]


def test_context_of_the_chat_moves_to_the_thread_in_which_it_turns_out_to_be_a_mention() -> None:
    world = World()
    world.wire(world.chat(), world.agent(), mode=EngageMode.MENTION_STICKY, ignored=KEEP)
    for number in (1, 2):
        world.accept(said(number, mention=False, thread=f"t{number}", starts_thread=True), threaded=True)
    chat = world.row(MINE).session_id
    second = world.accept(said(1, thread="t1", starts_thread=True), threaded=True)
    assert isinstance(second, Accepted)
    assert second.woken != (chat,)
    assert [(row.id, row.trigger) for row in inbound.open_rows(world.conn, chat)] == [("evt-2:agt-nano", False)]
    there = inbound.open_rows(world.conn, second.woken[0])
    assert [(row.event_id, row.trigger) for row in there] == [("evt-2", False), ("evt-1", True)]


@pytest.mark.parametrize("said_first", [True, False])
def test_talk_in_a_chat_that_nobody_hears_is_nothing_until_it_is_said_to_us(*, said_first: bool) -> None:
    world = World()
    if said_first:
        before = everything(world.conn)
        assert world.accept(said(1, mention=False)) == Ignored(
            event=None, reason="not-addressed", detail="nobody listens to this chat"
        )
        assert everything(world.conn) == before
    verdict = world.accept(said(1))
    assert isinstance(verdict, Ignored)
    assert (verdict.event, verdict.reason) == ("evt-1", "not-wired")


def test_what_was_refused_as_talk_is_refused_as_a_mention_and_nothing_of_it_is_kept() -> None:
    world = listening(KEEP)
    [chat] = entities.messaging_groups(world.conn)
    entities.update_messaging_group(world.conn, evolve(chat, unknown_sender_policy=UnknownSenderPolicy.STRICT))
    world.accept(said(1, mention=False, text="kumquat"))
    assert [(drop.reason, drop.sender_id) for drop in drops.recent(world.conn)] == [("not-engaged", None)]
    verdict = world.accept(said(1, text="kumquat"))
    assert isinstance(verdict, Ignored)
    assert [(drop.reason, drop.sender_id) for drop in drops.recent(world.conn)] == [("unknown-sender", "test:ada")]
    assert b"kumquat" not in world.conn.serialize("main")


def test_a_second_telling_engages_the_thread_only_once() -> None:
    world = World()
    world.wire(world.chat(), world.agent(), session_mode=SessionMode.PER_THREAD)
    world.accept(said(1, mention=False, thread="t"), threaded=True)
    world.wait(seconds=60)
    world.accept(said(1, thread="t"), threaded=True)
    assert [row["engaged_at"] for row in fetch(world.conn, "SELECT * FROM engagements")] == ["2026-04-16T14:37:00.000Z"]

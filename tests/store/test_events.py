"""Accepting an event: once, whole, and for everybody who hears it."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.model.entities import UnknownSenderPolicy
from nanoclaw.model.messages import InboundEvent
from nanoclaw.store import drops, entities, events, inbound
from nanoclaw.store.events import Accepted, Duplicate, Ignored
from schema import payloads
from schema.rows import InKind, InStatus
from schema.sqlite import fetch, integer, transaction
from tests.support.central import CHANNEL, NOW, World, everything, said


def wired(*agents: str, room: str = "room") -> World:
    """A world with one chat that these agents hear, the first with the highest priority."""
    world = World()
    chat = world.chat(room)
    for place, name in enumerate(agents):
        world.wire(chat, world.agent(name), priority=-place)
    return world


def test_an_event_is_stored_with_a_row_for_everyone_who_hears_it() -> None:
    world = wired("zoe", "ann", "eve")
    verdict = world.accept(evolve(said(7, text="hi"), thread_id="t1", mention=False), threaded=True)
    assert isinstance(verdict, Accepted)
    assert len(set(verdict.woken)) == 3
    rows = [world.row(row.id) for session in verdict.woken for row in inbound.open_rows(world.conn, session)]
    assert [row.id for row in rows] == ["evt-1:agt-zoe", "evt-1:agt-ann", "evt-1:agt-eve"]
    for row, session in zip(rows, verdict.woken, strict=True):
        assert (row.session_id, row.event_id, row.seq, row.kind) == (session, verdict.event, 2, InKind.CHAT)
        assert (row.channel, row.platform_id, row.thread_id) == ("test", "room", "t1")
        assert (row.status, row.trigger, row.tries, row.timestamp) == (InStatus.PENDING, True, 0, NOW)
        payload = payloads.read_in(row.kind, row.content)
        assert payload == payloads.ChatIn(text="hi", sender="Ada", sender_id="test:ada")
    assert fetch(world.conn, "SELECT * FROM events") == [
        {
            "id": "evt-1",
            "channel": "test",
            "platform_message_id": "7",
            "platform_id": "room",
            "thread_id": "t1",
            "sender_id": "test:ada",
            "mention": 0,
            "received_at": "2026-04-16T14:37:00.000Z",
        }
    ]
    assert [row["id"] for row in fetch(world.conn, "SELECT id FROM users")] == ["test:ada"]


def test_the_same_platform_message_again_changes_not_a_byte() -> None:
    world = wired("one", "two")
    first = world.accept(said(1, text="as it was"))
    assert isinstance(first, Accepted)
    before = world.conn.serialize("main")
    world.wait(seconds=60)
    again = world.accept(said(1, text="as it was"))
    edited = world.accept(said(1, text="and changed", sender="Somebody Else"))
    assert again == edited
    assert isinstance(again, Duplicate)
    assert again.event == first.event
    assert world.conn.serialize("main") == before


def test_a_duplicate_names_the_sessions_of_the_first() -> None:
    world = wired("one", "two")
    first = world.accept(said(1))
    world.wire(world.chat("elsewhere"), world.agent("three"))
    again = world.accept(said(1))
    assert isinstance(first, Accepted)
    assert isinstance(again, Duplicate)
    assert set(again.sessions) == set(first.woken)


def test_ids_of_two_channels_do_not_meet() -> None:
    world = wired("one")
    world.wire(world.chat(channel="other"), world.agent("two"))
    assert isinstance(world.accept(said(1)), Accepted)
    assert isinstance(world.accept(said(1, channel="other")), Accepted)


@pytest.mark.parametrize(("room", "reason"), [("elsewhere", "not-wired"), ("deaf", "not-wired")])
def test_what_nobody_hears_is_recorded_without_its_text(room: str, reason: str) -> None:
    world = wired("one")
    world.chat("deaf")
    verdict = world.accept(said(1, room=room, text="a secret"))
    assert isinstance(verdict, Ignored)
    assert verdict.reason == reason
    [drop] = drops.recent(world.conn)
    assert (drop.kind, drop.event_id, drop.reference, drop.reason) == ("event", verdict.event, "1", reason)
    assert drop.detail == verdict.detail
    stored = everything(world.conn)
    # Where a person is asked about the chat, it is kept for as long as that takes, and nowhere else.
    assert len(stored.pop("kept_messages")) == 1
    assert "a secret" not in str(stored)
    assert integer(world.conn, "SELECT count(*) FROM inbound") == 0
    assert integer(world.conn, "SELECT count(*) FROM users") == 0


def test_what_was_ignored_is_a_duplicate_the_next_time_even_once_somebody_hears_it() -> None:
    world = World()
    ignored = world.accept(said(1))
    chat = entities.messaging_group(world.conn, CHANNEL, "room")
    assert chat is not None
    entities.update_messaging_group(world.conn, evolve(chat, unknown_sender_policy=UnknownSenderPolicy.PUBLIC))
    world.wire(chat, world.agent())
    assert isinstance(ignored, Ignored)
    assert ignored.event is not None
    assert world.accept(said(1)) == Duplicate(event=ignored.event, sessions=())
    assert isinstance(world.accept(said(2)), Accepted)


def test_a_wiring_made_later_hears_later_events_in_a_session_of_its_own() -> None:
    world = wired("one")
    first = world.accept(said(1))
    chat = world.chat("second")
    world.wire(chat, world.agent("two"))
    second = world.accept(said(2, room="second"))
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert not set(first.woken) & set(second.woken)


class MintFailedError(Exception):
    """The test's own."""


@pytest.mark.parametrize("failing_at", range(1, 5))
def test_an_event_is_stored_whole_or_not_at_all(failing_at: int) -> None:
    world = wired("one", "two", "three")
    before = everything(world.conn)
    minted: list[str] = []

    def mint(prefix: str) -> str:
        minted.append(prefix)
        if len(minted) == failing_at:
            raise MintFailedError
        return f"{prefix}-{len(minted)}"

    with pytest.raises(MintFailedError), transaction(world.conn):
        events.accept(world.conn, said(1), threaded=False, mint=mint, now=NOW)
    assert minted == ["evt", "ses", "ses", "ses"][:failing_at]
    assert everything(world.conn) == before
    verdict = world.accept(said(1))
    assert isinstance(verdict, Accepted)
    assert len(verdict.woken) == 3


@given(
    agents=st.lists(st.sampled_from("abcdef"), unique=True, max_size=6),
    said_again=st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["room", "elsewhere"])), max_size=12),
)
def test_every_event_has_one_row_for_each_wiring_or_one_drop(
    agents: list[str], said_again: list[tuple[int, str]]
) -> None:
    world = wired(*agents)
    known: dict[int, InboundEvent] = {}
    for number, room in said_again:
        verdict = world.accept(said(number, room=room))
        assert isinstance(verdict, Duplicate) is (number in known)
        known.setdefault(number, said(number, room=room))
    heard = sum(event.platform_id == "room" for event in known.values()) if agents else 0
    assert integer(world.conn, "SELECT count(*) FROM events") == len(known)
    assert integer(world.conn, "SELECT count(*) FROM inbound") == heard * len(agents)
    assert integer(world.conn, "SELECT count(*) FROM drops") == len(known) - heard
    rows = fetch(world.conn, "SELECT session_id, seq FROM inbound ORDER BY session_id, seq")
    seqs: dict[object, list[object]] = {}
    for row in rows:
        seqs.setdefault(row["session_id"], []).append(row["seq"])
    assert all(numbers == [2 * place for place in range(1, heard + 1)] for numbers in seqs.values())

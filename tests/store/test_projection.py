"""What a session's link shows: all of it for a new one, and exactly what changed for an old one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber, InboundId, SessionId
from nanoclaw.model.messages import EpochEnding, LedgerState
from nanoclaw.store import inbound, ledger, notices, projection, sessions
from nanoclaw.store.inbound import SHOWN_SETTLED
from nanoclaw.store.projection import Changes, Whole
from schema.rows import (
    Delivered,
    DeliveredStatus,
    Destination,
    DestinationType,
    InKind,
    InStatus,
    MessageIn,
    Meta,
    Routing,
)
from schema.sqlite import Connection
from tests.support.central import CHANNEL, NOW, ROOM, World

ONE = EpochNumber(1)


def place_of(world: World, session: SessionId) -> SessionPlace:
    """The session's place, which has to be there."""
    place = sessions.session_place(world.conn, session)
    assert place is not None
    return place


def whole(world: World, session: SessionId, epoch: EpochNumber = ONE) -> Whole:
    """`projection.whole`, in Vienna."""
    return projection.whole(world.conn, place_of(world, session), epoch, timezone="Europe/Vienna")


def changes(conn: Connection, session: SessionId, since: int) -> Changes:
    """`projection.changes` for the session's own agent."""
    place = sessions.session_place(conn, session)
    assert place is not None
    return projection.changes(conn, place, ONE, since)


def test_a_new_link_knows_its_epoch_its_numbers_and_its_one_destination() -> None:
    world = World()
    session = world.session(room="team ops")
    epoch = world.epoch(session)
    world.message(session)
    world.reply(session, epoch, 7)
    sessions.save_provider_state(world.conn, session, '{"continuation:demo": "x"}')
    new = whole(world, session, epoch)
    assert new.meta == Meta(epoch=1, seq_floor=7, provider_state='{"continuation:demo": "x"}', timezone="Europe/Vienna")
    assert new.routing == Routing(channel_type=CHANNEL, platform_id="team ops", thread_id=None)
    assert new.changes.destinations == (
        Destination(
            name="team-ops",
            display_name="Team Ops",
            type=DestinationType.CHANNEL,
            channel_type=CHANNEL,
            platform_id="team ops",
            agent_group_id=None,
        ),
    )


def test_a_session_in_which_nothing_happened_has_an_empty_link() -> None:
    world = World()
    new = whole(world, world.session())
    assert (new.changes.messages, new.changes.delivered) == ((), ())
    assert new.meta.seq_floor == 0


def test_a_message_is_shown_as_it_stands_and_without_what_is_the_hosts_own() -> None:
    world = World()
    session = world.session()
    row, epoch = world.claimed(session)
    inbound.settle(world.conn, row, error="boom", now=NOW)
    [message] = whole(world, session, epoch).changes.messages
    assert message == MessageIn(
        id="m",
        seq=2,
        kind=InKind.CHAT,
        timestamp=NOW,
        status=InStatus.FAILED,
        process_after=None,
        tries=0,
        trigger=True,
        platform_id="room",
        channel_type=CHANNEL,
        thread_id=None,
        content=world.row(row).content,
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (LedgerState.DELIVERED, DeliveredStatus.DELIVERED),
        (LedgerState.UNKNOWN, DeliveredStatus.UNKNOWN),
        (LedgerState.DEAD, DeliveredStatus.FAILED),
    ],
)
def test_a_decided_message_is_shown_by_the_runners_own_id(state: LedgerState, status: DeliveredStatus) -> None:
    world = World()
    session = world.session()
    row = world.reply(session, world.epoch(session), 3)
    assert whole(world, session).changes.delivered == ()
    world.sent(row)
    assert whole(world, session).changes.delivered == ()
    later = NOW + timedelta(seconds=3)
    ledger.settle(world.conn, row, state, platform_message_id="p7", now=later)
    assert whole(world, session).changes.delivered == (
        Delivered(
            message_out_id="r3",
            seq=3,
            platform_message_id="p7",
            status=status,
            delivered_at=later,
            channel_type=CHANNEL,
            platform_id="room",
            thread_id=None,
        ),
    )


def test_the_hosts_own_notice_is_shown_by_the_hosts_id() -> None:
    world = World()
    session = world.session()
    notices.tell_chat(world.conn, session, ROOM, key="k", text="hello", now=NOW)
    [row] = ledger.lanes(world.conn)
    head = ledger.head(world.conn, row, now=NOW)
    assert isinstance(head, ledger.Head)
    ledger.settle(world.conn, head.row.id, LedgerState.DELIVERED, now=NOW)
    [shown] = whole(world, session).changes.delivered
    assert (shown.message_out_id, shown.seq) == (f"{session}/host/k", 2)


def test_a_link_is_shown_every_change_once_and_nothing_else() -> None:
    world = World()
    session, other = world.session("one", room="a"), world.session("two", room="b")
    world.message(session, "a")
    tick = whole(world, session).changes.tick
    assert changes(world.conn, session, tick).empty
    world.message(session, "b")
    world.message(other, "not mine")
    inbound.settle(world.conn, InboundId("a"), error=None, now=NOW)
    new = changes(world.conn, session, tick)
    assert [(message.id, message.status) for message in new.messages] == [
        ("b", InStatus.PENDING),
        ("a", InStatus.COMPLETED),
    ]
    assert not new.empty
    assert changes(world.conn, session, new.tick).empty


def test_a_message_that_was_given_back_is_a_change_and_a_claim_is_none() -> None:
    world = World()
    session = world.session()
    world.message(session)
    tick = whole(world, session).changes.tick
    epoch = world.epoch(session)
    inbound.claim(world.conn, InboundId("m"), epoch, now=NOW)
    assert changes(world.conn, session, tick).empty
    inbound.release_claims(world.conn, session, epoch, EpochEnding.EXITED, policy=RetryPolicy(), now=NOW)
    [message] = changes(world.conn, session, tick).messages
    assert (message.tries, message.process_after) == (1, NOW + timedelta(seconds=5))


def test_a_decision_alone_is_a_change() -> None:
    world = World()
    session = world.session()
    row = world.reply(session, world.epoch(session), 1)
    tick = whole(world, session).changes.tick
    ledger.settle(world.conn, row, LedgerState.DEAD, now=NOW)
    new = changes(world.conn, session, tick)
    assert not new.empty
    assert [shown.message_out_id for shown in new.delivered] == ["r1"]


def test_a_new_link_has_a_bound_and_what_changed_since_has_none() -> None:
    world = World()
    session = world.session()
    epoch = world.epoch(session)
    tick = whole(world, session).changes.tick
    for seq in range(1, 2 * SHOWN_SETTLED + 20, 2):
        ledger.settle(world.conn, world.reply(session, epoch, seq), LedgerState.DELIVERED, now=NOW)
    every = [f"r{seq}" for seq in range(1, 2 * SHOWN_SETTLED + 20, 2)]
    assert [row.message_out_id for row in changes(world.conn, session, tick).delivered] == every
    shown = whole(world, session)
    assert [row.message_out_id for row in shown.changes.delivered] == every[-SHOWN_SETTLED:]

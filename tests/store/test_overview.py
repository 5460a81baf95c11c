"""All that is open in the truth, in one look; and what happened in a session, as spans."""

from __future__ import annotations

from datetime import timedelta

from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.ids import SessionId
from nanoclaw.model.messages import EpochEnding, LedgerState
from nanoclaw.store import dead, ending, inbound, ledger, overview, timelines
from tests.support.central import World


def test_a_session_of_which_nothing_is_open_is_only_counted() -> None:
    world = World()
    session = world.session()
    found = overview.record(world.conn, (), now=world.now, local=world.now)
    assert (found.sessions, found.resting) == ((), 1)
    (asked,) = overview.record(world.conn, [session], now=world.now, local=world.now).sessions
    assert (asked.agent, asked.chat, asked.due, asked.claims) == ("nano", "Room", 0, ())


def test_what_waits_what_is_claimed_and_what_goes_out_are_told_apart() -> None:
    world = World()
    session = world.session()
    row, epoch = world.claimed(session)
    world.message(session, "later")
    reply = world.reply(session, epoch, 1, answers=row)
    (found,) = overview.record(world.conn, (), now=world.now, local=world.now).sessions
    assert [claim.id for claim in found.claims] == [row]
    assert (found.due, found.epoch, found.undelivered, found.reply) == (1, epoch, 1, reply)
    assert found.lane is not None
    assert (found.lane.head, found.lane.waiting) == (reply, 1)


def test_a_message_that_waits_after_a_failure_says_when_and_why() -> None:
    world = World()
    session = world.session()
    _, epoch = world.claimed(session)
    ending.close_epoch(world.conn, session, epoch, EpochEnding.KILLED, "x", policy=RetryPolicy(), now=world.now)
    (found,) = overview.record(world.conn, (), now=world.now, local=world.now).sessions
    assert (found.due, found.tries, found.last_ending, found.last_detail) == (0, 1, EpochEnding.KILLED, "x")
    assert found.next_at == world.now + RetryPolicy().first_pause
    (then,) = overview.record(world.conn, (), now=world.now + timedelta(minutes=1), local=world.now).sessions
    assert (then.due, then.next_at) == (1, None)


def test_a_dead_letter_is_there_until_somebody_has_dealt_with_it() -> None:
    world = World()
    session = world.session()
    row, epoch = world.claimed(session)
    inbound.settle(world.conn, row, error="too much", now=world.now)
    ending.close_epoch(world.conn, session, epoch, EpochEnding.EXITED, "", policy=RetryPolicy(), now=world.now)
    (found,) = overview.record(world.conn, (), now=world.now, local=world.now).sessions
    assert found.dead is not None
    assert (found.dead.id, found.dead.state, found.dead.error) == (row, "failed", "too much")
    dead.drop(world.conn, world.row(row), now=world.now)
    assert overview.record(world.conn, (), now=world.now, local=world.now).sessions == ()


def test_a_session_is_a_picture_of_its_sandboxes_messages_and_replies() -> None:
    world = World()
    session = world.session()
    row, epoch = world.claimed(session)
    reply = world.reply(session, epoch, 1, answers=row)
    world.sent(reply)
    world.wait(seconds=5)
    ledger.settle(world.conn, reply, LedgerState.DELIVERED, error=None, now=world.now)
    found = timelines.timeline(world.conn, session, now=world.now)
    assert found is not None
    assert (found["agent"], found["chat"]) == ("nano", "Room")
    tracks = found["tracks"]
    assert isinstance(tracks, dict)
    assert {name: [one["state"] for one in spans] for name, spans in tracks.items()} == {
        "sandboxes": ["runs"],
        "messages": ["claimed"],
        "claims": ["claimed"],
        "model": [],
        "replies": ["delivered"],
    }
    assert timelines.timeline(world.conn, SessionId("nobody"), now=world.now) is None


def test_of_very_much_that_is_open_the_first_is_shown_and_the_rest_counted() -> None:
    world = World()
    for number in range(3):
        session = world.session(f"agent-{number}", room=f"room-{number}")
        row, epoch = world.claimed(session, f"m{number}")
        world.reply(session, epoch, 1, answers=row)
    found = overview.record(world.conn, (), now=world.now, local=world.now, most=2)
    assert (len(found.sessions), sum(len(one.claims) for one in found.sessions), found.resting) == (2, 2, 0)
    assert found.not_shown == {"sessions": 1, "claims": 1}
    assert overview.record(world.conn, (), now=world.now, local=world.now).not_shown == {}

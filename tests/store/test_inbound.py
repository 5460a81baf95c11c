"""Inbound rows: their numbers, what is due, claims, and how they end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.ids import EpochNumber, InboundId, SessionId
from nanoclaw.model.messages import EpochEnding, InboundRow
from nanoclaw.store import epochs, inbound
from nanoclaw.store.inbound import SHOWN_SETTLED, Work
from schema.rows import InStatus
from schema.sqlite import ConstraintError, execute
from tests.support.central import NOW, World, everything

POLICY = RetryPolicy()
TICK = timedelta(milliseconds=1)


def ids(rows: list[InboundRow]) -> list[str]:
    """Their ids, in their order."""
    return [row.id for row in rows]


def release(
    world: World, session: SessionId, epoch: EpochNumber, ending: EpochEnding = EpochEnding.EXITED
) -> list[str]:
    """`release_claims` at the world's time; the ids of those that failed."""
    failed = inbound.release_claims(world.conn, session, epoch, ending, policy=POLICY, now=world.now)
    return [row.id for row in failed]


def test_numbers_are_even_and_above_all_that_the_session_has_used() -> None:
    world = World()
    session = world.session()
    epoch = world.epoch(session)
    assert world.row(world.message(session, "a")).seq == 2
    world.reply(session, epoch, 3)
    assert world.row(world.message(session, "b")).seq == 4
    world.reply(session, epoch, 9)
    assert world.row(world.message(session, "c")).seq == 10
    world.reply(session, epoch, 11)
    assert world.row(world.message(session, "d")).seq == 12


def test_each_session_counts_for_itself() -> None:
    world = World()
    one, two = world.session("one", room="a"), world.session("two", room="b")
    rows = [world.message(one, "a"), world.message(one, "b"), world.message(two, "c")]
    assert [world.row(row).seq for row in rows] == [2, 4, 2]


@pytest.mark.parametrize("seq", [-2, 0, 3])
def test_the_table_refuses_a_number_that_is_not_the_hosts(seq: int) -> None:
    world = World()
    row = world.message(world.session())
    with pytest.raises(ConstraintError):
        execute(world.conn, "UPDATE inbound SET seq = ? WHERE id = ?", (seq, row))


def test_adding_a_row_again_changes_nothing() -> None:
    world = World()
    session = world.session()
    world.message(session, "a")
    before = everything(world.conn)
    world.wait(seconds=5)
    world.message(session, "a", trigger=False)
    assert everything(world.conn) == before


def test_a_row_that_is_not_there_is_none() -> None:
    assert inbound.get(World().conn, InboundId("nobody")) is None


def test_a_session_without_messages_has_nothing_to_do() -> None:
    world = World()
    assert inbound.work(world.conn, world.session(), now=NOW) == Work(due=0, next_at=None, claims=())


def test_work_counts_what_is_due_what_is_claimed_and_when_the_rest_is_due() -> None:
    world = World()
    session, other = world.session("one", room="a"), world.session("two", room="b")
    held = [world.message(session, name) for name in ("held-1", "held-2")]
    epoch = world.epoch(session)
    for row in held:
        inbound.claim(world.conn, row, epoch, now=NOW)
    release(world, session, epoch)
    for name in ("due-1", "due-2", "taken", "done"):
        world.message(session, name)
    world.message(session, "context", trigger=False)
    world.message(other, "not mine")
    inbound.claim(world.conn, InboundId("taken"), epoch, now=NOW)
    inbound.settle(world.conn, InboundId("done"), error=None, now=NOW)
    in_five = NOW + timedelta(seconds=5)
    assert inbound.work(world.conn, session, now=NOW) == Work(due=2, next_at=in_five, claims=(InboundId("taken"),))
    assert inbound.work(world.conn, session, now=in_five - TICK) == Work(
        due=2, next_at=in_five, claims=(InboundId("taken"),)
    )
    assert inbound.work(world.conn, session, now=in_five) == Work(due=4, next_at=None, claims=(InboundId("taken"),))


def test_a_claim_is_kept_with_the_moment_it_was_first_seen() -> None:
    world = World()
    session = world.session()
    row, epoch = world.claimed(session)
    inbound.claim(world.conn, row, epoch, now=world.wait(seconds=30))
    assert (world.row(row).claimed_epoch, world.row(row).claimed_at) == (epoch, NOW)


@pytest.mark.parametrize("error", [None, "boom"])
def test_a_settled_row_is_not_claimed(error: str | None) -> None:
    world = World()
    session = world.session()
    row, epoch = world.message(session), world.epoch(session)
    inbound.settle(world.conn, row, error=error, now=NOW)
    before = everything(world.conn)
    inbound.claim(world.conn, row, epoch, now=NOW)
    assert everything(world.conn) == before


def test_a_claim_names_an_epoch_of_its_own_session() -> None:
    world = World()
    one, two = world.session("one", room="a"), world.session("two", room="b")
    row, epoch = world.message(one), world.epoch(two)
    with pytest.raises(ConstraintError):
        inbound.claim(world.conn, row, epoch, now=NOW)


@pytest.mark.parametrize(("error", "status"), [(None, InStatus.COMPLETED), ("boom", InStatus.FAILED)])
def test_settling_ends_a_row_and_its_claim_for_good(error: str | None, status: InStatus) -> None:
    world = World()
    row, _ = world.claimed(world.session())
    inbound.settle(world.conn, row, error=error, now=world.wait(seconds=1))
    settled = world.row(row)
    assert (settled.status, settled.error, settled.settled_at) == (status, error, world.now)
    assert (settled.claimed_epoch, settled.claimed_at) == (None, None)
    before = everything(world.conn)
    for another in (None, "another end"):
        inbound.settle(world.conn, row, error=another, now=world.wait(seconds=1))
    assert everything(world.conn) == before


def test_a_released_row_waits_and_has_one_try_more() -> None:
    world = World()
    session = world.session()
    row, epoch = world.claimed(session)
    for tries, pause in enumerate([5, 10, 20, 40], start=1):
        inbound.claim(world.conn, row, epoch, now=world.now)
        assert release(world, session, epoch) == []
        released = world.row(row)
        assert (released.status, released.tries) == (InStatus.PENDING, tries)
        assert released.process_after == world.now + timedelta(seconds=pause)
        assert (released.claimed_epoch, released.claimed_at) == (None, None)
        world.wait(seconds=pause)
    inbound.claim(world.conn, row, epoch, now=world.now)
    assert release(world, session, epoch) == [row]
    failed = world.row(row)
    assert (failed.status, failed.settled_at, failed.claimed_epoch) == (InStatus.FAILED, world.now, None)
    assert failed.error == "the sandbox ended 5 times while at it (exited)"


def test_release_takes_only_the_claims_of_that_epoch() -> None:
    world = World()
    one, two = world.session("one", room="a"), world.session("two", room="b")
    first, epoch = world.claimed(one, "first")
    second, other_epoch = world.claimed(two, "second")
    unclaimed = world.message(one, "unclaimed")
    assert epoch == other_epoch
    release(world, one, epoch)
    assert [world.row(row).tries for row in (first, second, unclaimed)] == [1, 0, 0]
    assert world.row(second).claimed_epoch == other_epoch


def test_releasing_again_changes_nothing() -> None:
    world = World()
    session = world.session()
    _, epoch = world.claimed(session)
    release(world, session, epoch)
    before = everything(world.conn)
    world.wait(seconds=5)
    assert release(world, session, epoch) == []
    assert everything(world.conn) == before


def test_a_new_link_shows_all_that_is_open_and_the_last_of_the_rest() -> None:
    world = World()
    session = world.session()
    for number in range(SHOWN_SETTLED + 5):
        inbound.settle(world.conn, world.message(session, f"m{number}"), error=None, now=NOW)
    execute(world.conn, "UPDATE inbound SET status = 'pending', settled_at = NULL WHERE id IN ('m0', 'm2')")
    execute(world.conn, "UPDATE inbound SET status = 'paused', settled_at = NULL WHERE id = 'm1'")
    world.message(session, "new")
    shown = ids(inbound.shown(world.conn, session, EpochNumber(1)))
    assert shown == ["m0", "m1", "m2", *(f"m{number}" for number in range(5, SHOWN_SETTLED + 5)), "new"]


def test_changes_come_in_the_order_they_were_made() -> None:
    world = World()
    session = world.session()
    for name in "abc":
        world.message(session, name)
    last = world.row(InboundId("b")).touched
    inbound.settle(world.conn, InboundId("a"), error=None, now=NOW)
    assert ids(inbound.changed_since(world.conn, session, EpochNumber(1), last)) == ["c", "a"]
    assert ids(inbound.changed_since(world.conn, session, EpochNumber(1), 0)) == ["b", "c", "a"]


def test_sessions_to_wake_have_a_message_that_can_start_a_turn_or_an_epoch_that_shall_end() -> None:
    world = World()
    waiting, idle, noted, alive, ended, told = (world.session(name, room=name) for name in "abcdef")
    world.message(waiting)
    inbound.settle(world.conn, world.message(idle, "done"), error=None, now=NOW)
    world.message(noted, "note", trigger=False)
    world.epoch(alive)
    epochs.end(world.conn, ended, world.epoch(ended), EpochEnding.EXITED, "", now=NOW)
    world.epoch(told)
    epochs.tell_to_end(world.conn, told, "anew")
    assert inbound.sessions_to_wake(world.conn) == sorted([waiting, told])
    assert epochs.sessions_alive(world.conn) == sorted([alive, told])

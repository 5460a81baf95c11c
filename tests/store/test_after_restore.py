"""A restored truth does nothing again: what was undecided is parked, and what is still to come, comes."""

from __future__ import annotations

from datetime import timedelta

from nanoclaw.core.conversations import Person
from nanoclaw.model.messages import LedgerState
from nanoclaw.model.tasks import Outcome, TaskState
from nanoclaw.store import dead, due, epochs, inbound, occurrences, tasks, web_keys
from nanoclaw.store.after_restore import Parked, park
from schema.rows import InStatus
from schema.sqlite import execute, integer, transaction
from schema.times import write_time
from tests.support.central import NOW, World
from tests.support.tasks import a_task, added, stored

WHY = "this home was restored from a backup of 2026-04-16 14:37 UTC"


def parked(world: World, *, later: float = 3 * 86_400) -> Parked:
    """Restore *world*, *later* seconds after its backup."""
    world.wait(seconds=later)
    with transaction(world.conn):
        return park(world.conn, NOW, now=world.now)


def test_a_message_that_may_have_been_answered_fails_and_can_be_tried_again() -> None:
    world = World()
    session = world.session()
    claimed, epoch = world.claimed(session)
    waiting = world.message(session, "waiting")
    note = world.message(session, "note", trigger=False)
    assert parked(world).messages_in == 2
    for row in (claimed, waiting):
        assert world.row(row).status is InStatus.FAILED
        assert world.row(row).error == f"{WHY}: it may have been answered since"
    assert world.row(note).status is InStatus.PENDING
    (ended,) = epochs.ends(world.conn, [(session, epoch)]).values()
    assert ended == world.now
    assert {letter.id for letter in dead.dead_letters(world.conn, 9)} == {claimed, waiting}
    dead.retry(world.conn, world.row(waiting), now=world.now)
    assert inbound.work(world.conn, session, now=world.now).due


def test_a_message_that_may_have_been_sent_is_in_doubt_and_nothing_is_due() -> None:
    world = World()
    session = world.session()
    _, epoch = world.claimed(session)
    sending = world.reply(session, epoch, 1)
    world.sent(sending)
    pending = world.reply(session, epoch, 3, not_before=NOW + timedelta(days=1))
    assert parked(world).messages_out == 2
    for message in (sending, pending):
        assert world.out(message).state is LedgerState.UNKNOWN
        assert world.out(message).error == f"{WHY}: it may have been sent since"
    assert not due.due(world.conn, now=world.now)


def test_a_time_that_passed_meanwhile_is_missed_and_the_next_is_planned() -> None:
    world = World()
    session = world.session()
    hourly = added(world, a_task(session))
    once = added(world, a_task(session, "once", cron=None, first_at=NOW + timedelta(hours=1)))
    later = added(world, a_task(session, "later", cron=None, first_at=NOW + timedelta(days=30)))
    assert parked(world).occurrences == 2
    (missed,) = [one for one in tasks.occurrences(world.conn, hourly.id, 9) if one.outcome is not None]
    assert missed.outcome is Outcome.MISSED
    planned = tasks.planned(world.conn, hourly.id)
    assert planned is not None
    assert planned.due_at > world.now
    assert stored(world.conn, once).state is TaskState.DONE
    assert stored(world.conn, once).reason == f"{WHY}: it may have run since"
    assert not occurrences.take_up(world.conn, once.id, now=world.now)
    assert tasks.planned(world.conn, later.id) is not None


def test_nobody_is_let_in_with_a_login_of_then() -> None:
    world = World()
    person = Person(handle="anna", name="Anna")
    for kind in web_keys.KeyKind:
        web_keys.add(world.conn, kind.value, kind, person, expires_at=NOW + timedelta(days=99), now=NOW)
    parked(world)
    assert web_keys.person_of(world.conn, "login", now=world.now) is None


def test_no_channel_goes_on_from_where_it_was_then() -> None:
    world = World()
    at = write_time(NOW)
    execute(world.conn, "INSERT INTO channels VALUES ('matrix', 'matrix', '{}', ?, 1)", (at,))
    execute(world.conn, "INSERT INTO marks VALUES ('matrix', 'since', 's1', ?)", (at,))
    parked(world)
    assert integer(world.conn, "SELECT count(*) FROM channels") == 1
    assert integer(world.conn, "SELECT count(*) FROM marks") == 0


def test_parking_twice_changes_nothing_more() -> None:
    world = World()
    world.claimed(world.session())
    parked(world)
    assert parked(world, later=1) == Parked(messages_in=0, messages_out=0, approvals=0, occurrences=0)

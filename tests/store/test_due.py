"""What is due is found by steps through small indexes, whatever the rest of the house holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.ids import ApprovalId, TaskId, UserId
from nanoclaw.model.messages import EpochEnding, LedgerState
from nanoclaw.model.tasks import TaskState
from nanoclaw.store import due as store_due
from nanoclaw.store import inbound, ledger, parkings
from nanoclaw.store.approvals import request
from nanoclaw.store.due import (
    DUE_SQL,
    NEXT_SQL,
    ApprovalDue,
    LaneDue,
    OccurrenceDue,
    QuestionDue,
    SessionDue,
    due,
    next_due,
)
from nanoclaw.store.ending import close_epoch
from nanoclaw.store.ledger import Lane
from schema.sqlite import execute, fetch
from schema.times import write_time
from tests.support.approvals import an_approval
from tests.support.central import CHANNEL, NOW, World
from tests.support.questions import asked
from tests.support.tasks import a_task, added

HOUR = timedelta(hours=1)
LATER = NOW + HOUR


def test_an_empty_house_has_nothing_due_and_nothing_to_wait_for() -> None:
    world = World()
    world.session()
    assert due(world.conn, now=NOW) == []
    assert next_due(world.conn, now=NOW) is None


def test_each_kind_is_due_at_its_time_and_not_before() -> None:
    world = World()
    session = world.session()
    row, epoch = world.claimed(session)
    execute(world.conn, "UPDATE inbound SET process_after = ? WHERE id = ?", (write_time(LATER), row))
    world.reply(session, epoch, 3, not_before=LATER)
    added(world, a_task(session, cron=None, first_at=LATER))
    chat = world.chat("other")
    request(world.conn, an_approval(chat.id, expires_at=LATER))
    question = asked(world, session, seconds=3_600)
    assert due(world.conn, now=LATER - timedelta(milliseconds=1)) == []
    assert next_due(world.conn, now=NOW) == LATER
    assert due(world.conn, now=LATER) == [
        OccurrenceDue(a_task(session).id),
        SessionDue(session),
        LaneDue(Lane(CHANNEL, "room")),
        ApprovalDue(ApprovalId("apr-1")),
        QuestionDue(question.id),
    ]
    assert next_due(world.conn, now=LATER) is None


def test_what_is_settled_is_not_due() -> None:
    world = World()
    session = world.session()
    row, epoch = world.claimed(session)
    assert due(world.conn, now=NOW) == [SessionDue(session)]
    inbound.settle(world.conn, row, error=None, now=NOW)
    reply = world.reply(session, epoch, 3, not_before=NOW)
    ledger.settle(world.conn, reply, LedgerState.DEAD, now=NOW)
    world.message(session, "context", trigger=False)
    added(world, evolve(a_task(session), id=TaskId("paused"), state=TaskState.PAUSED))
    assert due(world.conn, now=NOW + 99 * HOUR) == []


def test_what_somebody_has_parked_is_not_woken_by_every_look_until_it_is_unparked() -> None:
    world = World()
    session = world.session()
    _, epoch = world.claimed(session)
    world.message(session, "later")
    close_epoch(world.conn, session, epoch, EpochEnding.KILLED, "", policy=RetryPolicy(), now=world.now)
    now = world.now + timedelta(minutes=5)
    assert due(world.conn, now=now) == [SessionDue(session)] * 2, "by a time that has come, and by none"
    parkings.park(world.conn, session, UserId("ada"), "it loops", now=world.now)
    assert due(world.conn, now=now) == []
    parkings.unpark(world.conn, session)
    assert due(world.conn, now=now) == [SessionDue(session)] * 2


def test_a_look_takes_no_more_than_it_can_carry_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_due, "MOST_DUE", 2)
    world = World()
    session = world.session()
    for number in (3, 1, 2):
        added(world, a_task(session, f"task-{number}", cron=None, first_at=NOW + number * HOUR))
    found = due(world.conn, now=NOW + 9 * HOUR)
    assert found == [OccurrenceDue(a_task(session, "task-1").id), OccurrenceDue(a_task(session, "task-2").id)]


@pytest.mark.parametrize("sql", [DUE_SQL, NEXT_SQL], ids=["due", "next"])
def test_no_table_is_walked_however_many_sessions_rest(sql: str) -> None:
    world = World()
    plan = fetch(world.conn, f"EXPLAIN QUERY PLAN {sql}", {"now": write_time(NOW), "most": 5})
    steps = [str(row["detail"]) for row in plan]
    tables = [step for step in steps if step.split()[1] in {"occurrences", "inbound", "ledger", "approvals"}]
    assert len(tables) >= 4
    indexes = ("occurrences_due", "inbound_due", "ledger_due", "approvals_expiring")
    for step in tables:
        assert step.startswith("SEARCH"), step
        assert any(f"INDEX {name} " in step for name in indexes), step
    assert not [
        step for step in steps if step.startswith("SCAN") and "(subquery" not in step and "CONSTANT" not in step
    ]

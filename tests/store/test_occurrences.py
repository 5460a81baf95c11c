"""Occurrences: each is one message, what follows is planned with it, and its end is its task's business."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from nanoclaw.core.occurrences import MOST_FAILURES
from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.ids import InboundId
from nanoclaw.model.messages import EpochEnding
from nanoclaw.model.tasks import Misfire, Outcome, Task, TaskState
from nanoclaw.store import inbound, occurrences, tasks
from nanoclaw.store.ending import close_epoch
from schema import payloads
from schema.rows import InKind
from schema.sqlite import execute, fetch, transaction
from tests.support.central import NOW, World, everything
from tests.support.tasks import a_task, added, outcomes, stored, take_up

HOUR = timedelta(hours=1)
TOP = datetime.fromisoformat("2026-04-16T15:00:00+00:00")


def message(task: Task, due: datetime = TOP) -> InboundId:
    return occurrences.message_id(task.id, due)


def one(**fields: Any) -> tuple[World, Task]:
    world = World()
    return world, added(world, a_task(world.session(), **fields))


def test_a_due_occurrence_becomes_one_message_and_the_next_is_planned_with_it() -> None:
    world, task = one(script="true")
    assert not take_up(world, task, at=TOP - timedelta(milliseconds=1))
    assert take_up(world, task, at=TOP + timedelta(seconds=2))
    before = everything(world.conn)
    assert not take_up(world, task, at=TOP + timedelta(seconds=3))
    assert everything(world.conn) == before
    row = world.row(message(task))
    assert (row.kind, row.trigger, row.timestamp, row.series_id) == (InKind.TASK, True, TOP, task.id)
    assert (row.channel, row.platform_id) == (task.channel, task.platform_id)
    assert payloads.read_in(row.kind, row.content) == payloads.Task(prompt=task.prompt, script="true")
    assert outcomes(world.conn) == [("15:00", None), ("16:00", None)]


def test_a_clock_that_is_set_back_runs_nothing_twice() -> None:
    world, task = one()
    assert take_up(world, task, at=TOP)
    for back in (HOUR, timedelta(days=1), timedelta(days=20_000)):
        assert not take_up(world, task, at=TOP - back)
    assert len(fetch(world.conn, "SELECT * FROM inbound")) == 1


@pytest.mark.parametrize(
    ("misfire", "expected", "messages"),
    [
        (Misfire.LATEST, ["missed", "missed", None], 1),
        (Misfire.ALL, [None, None, None], 3),
        (Misfire.SKIP, ["missed", "missed", "missed"], 0),
    ],
)
def test_after_a_host_was_down_the_policy_holds(misfire: Misfire, expected: list[str | None], messages: int) -> None:
    world, task = one(misfire=misfire)
    assert take_up(world, task, at=TOP + 2.5 * HOUR) is (messages > 0)
    assert outcomes(world.conn) == [*zip(["15:00", "16:00", "17:00"], expected, strict=True), ("18:00", None)]
    assert len(fetch(world.conn, "SELECT * FROM inbound")) == messages


@pytest.mark.parametrize(("seconds", "outcome"), [(0, "ran"), (300, "ran"), (301, "late")])
def test_a_run_that_is_over_is_on_time_or_late(seconds: float, outcome: str) -> None:
    world, task = one()
    take_up(world, task, at=TOP + timedelta(seconds=seconds))
    inbound.settle(world.conn, message(task), error=None, now=world.now)
    assert outcomes(world.conn)[0] == ("15:00", outcome)


def test_a_run_that_its_script_kept_from_the_agent_is_skipped_with_the_reason() -> None:
    world, task = one()
    take_up(world, task, at=TOP)
    inbound.settle(world.conn, message(task), error=None, note="its script: nothing new", now=world.now)
    found = tasks.occurrences(world.conn, task.id, 2)[1]
    assert (found.outcome, found.reason) == (Outcome.SKIPPED, "its script: nothing new")


def test_a_run_that_is_not_over_keeps_the_next_from_running() -> None:
    world, task = one()
    take_up(world, task, at=TOP)
    assert not take_up(world, task, at=TOP + HOUR)
    inbound.settle(world.conn, message(task), error=None, now=world.now)
    assert take_up(world, task, at=TOP + 2 * HOUR)
    assert outcomes(world.conn) == [("15:00", "ran"), ("16:00", "skipped"), ("17:00", None), ("18:00", None)]


def fail_run(world: World, task: Task, due: datetime) -> None:
    """Its sandbox dies with the message for the last time."""
    assert take_up(world, task, at=due)
    epoch = world.epoch(task.session_id)
    inbound.claim(world.conn, message(task, due), epoch, now=due)
    with transaction(world.conn):
        close_epoch(
            world.conn, task.session_id, epoch, EpochEnding.EXITED, "", policy=RetryPolicy(most_tries=1), now=due
        )


def test_a_failed_run_ends_no_series_and_after_several_in_a_row_it_is_paused_and_told() -> None:
    world, task = one()
    for number in range(MOST_FAILURES - 1):
        fail_run(world, task, TOP + number * HOUR)
    assert stored(world.conn, task).state is TaskState.ACTIVE
    fail_run(world, task, TOP + (MOST_FAILURES - 1) * HOUR)
    now = stored(world.conn, task)
    assert (now.state, now.failures, now.reason) == (TaskState.PAUSED, 5, "its last 5 runs failed")
    assert tasks.planned(world.conn, task.id) is None
    said = [str(row["content"]) for row in fetch(world.conn, "SELECT content FROM ledger ORDER BY position")]
    assert len(said) == MOST_FAILURES
    assert ["is paused" in text for text in said] == [False] * 4 + [True]
    notes = fetch(world.conn, "SELECT content FROM inbound WHERE kind = 'system' ORDER BY seq")
    assert "is paused" in str(notes[-1]["content"])


def test_one_good_run_forgives_those_that_failed_before() -> None:
    world, task = one()
    for number in range(MOST_FAILURES - 1):
        fail_run(world, task, TOP + number * HOUR)
    last = TOP + MOST_FAILURES * HOUR
    take_up(world, task, at=last)
    inbound.settle(world.conn, message(task, last), error=None, now=last)
    assert stored(world.conn, task).failures == 0


def test_a_task_for_once_is_done_when_its_run_is_over() -> None:
    world, task = one(cron=None, first_at=TOP)
    take_up(world, task, at=TOP)
    assert stored(world.conn, task).state is TaskState.ACTIVE
    inbound.settle(world.conn, message(task), error=None, now=TOP)
    assert stored(world.conn, task).state is TaskState.DONE


def test_a_task_for_once_that_was_missed_is_done_and_says_so() -> None:
    world, task = one(cron=None, first_at=TOP, misfire=Misfire.SKIP)
    assert not take_up(world, task, at=TOP + HOUR)
    now = stored(world.conn, task)
    assert now.state is TaskState.DONE
    assert now.reason is not None
    assert "does not make up" in now.reason


def test_a_run_that_is_asked_for_comes_besides_the_plan() -> None:
    world, task = one()
    occurrences.run_now(world.conn, task, now=NOW)
    assert occurrences.waiting(world.conn, task.id) == 1
    inbound.settle(world.conn, message(task, NOW), error=None, now=NOW)
    assert outcomes(world.conn) == [("14:37", "ran"), ("15:00", None)]


def test_a_run_that_is_asked_for_at_the_planned_time_is_that_run() -> None:
    world, task = one()
    occurrences.run_now(world.conn, task, now=TOP)
    assert not take_up(world, task, at=TOP)
    assert outcomes(world.conn) == [("15:00", None), ("16:00", None)]


def test_a_zone_that_is_no_more_pauses_its_tasks_and_says_so() -> None:
    world, task = one()
    execute(world.conn, "UPDATE tasks SET timezone = 'Mars/Olympus'")
    assert not take_up(world, task, at=TOP)
    now = stored(world.conn, task)
    assert now.state is TaskState.PAUSED
    assert now.reason is not None
    assert "no time zone" in now.reason


def test_only_the_latest_occurrences_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occurrences, "KEPT", 3)
    world, task = one(misfire=Misfire.SKIP)
    for number in range(6):
        take_up(world, task, at=TOP + (number + 0.5) * HOUR)
    assert len(outcomes(world.conn)) == 4

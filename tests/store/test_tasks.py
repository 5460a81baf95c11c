"""Tasks: made, changed, paused, resumed, ended; an active one has exactly one plan."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from nanoclaw.errors import UsageError
from nanoclaw.model.tasks import Task, TaskState
from nanoclaw.store import tasks
from nanoclaw.store.tasks import MOST_TASKS
from tests.support.central import NOW, World, everything
from tests.support.tasks import a_task, added, outcomes, stored, take_up

HOUR = timedelta(hours=1)
TOP = NOW.replace(minute=0) + HOUR
"""When the usual task is due first."""


def plan_of(world: World, task: Task) -> datetime | None:
    found = tasks.planned(world.conn, task.id)
    return None if found is None else found.due_at


@pytest.mark.parametrize(
    ("fields", "planned"),
    [
        ({}, TOP),
        ({"first_at": NOW + timedelta(days=1)}, NOW + timedelta(days=1)),
        ({"cron": None, "first_at": TOP}, TOP),
        ({"cron": "0 9 * * *", "timezone": "Asia/Tokyo"}, NOW.replace(hour=0, minute=0) + timedelta(days=1)),
        ({"state": TaskState.PAUSED}, None),
    ],
)
def test_a_new_task_has_its_first_time_planned(fields: dict[str, Any], planned: datetime | None) -> None:
    world = World()
    task = added(world, a_task(world.session(), **fields))
    assert plan_of(world, task) == planned


def test_the_same_task_again_changes_nothing() -> None:
    world = World()
    task = added(world, a_task(world.session()))
    before = everything(world.conn)
    assert not tasks.add(world.conn, attrs.evolve(task, prompt="something else"), now=NOW)
    assert everything(world.conn) == before


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"prompt": " "}, "needs a prompt"),
        ({"prompt": "x" * 20_001}, "too long"),
        ({"script": "x" * 50_001}, "too long"),
        ({"cron": "* * *"}, "no recurrence"),
        ({"cron": "0,30 * * * * *"}, "more often"),
        ({"timezone": "Mars/Olympus"}, "no time zone"),
        ({"timezone": "../etc"}, "no time zone"),
        ({"cron": None, "first_at": NOW - timedelta(minutes=6)}, "has passed"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_kept(fields: dict[str, Any], why: str) -> None:
    world = World()
    session = world.session()
    before = everything(world.conn)
    with pytest.raises(UsageError, match=why):
        tasks.add(world.conn, a_task(session, **fields), now=NOW)
    assert everything(world.conn) == before


def test_a_session_has_a_hundred_tasks_and_no_more_and_those_that_ended_do_not_count() -> None:
    world = World()
    session = world.session()
    made = [added(world, a_task(session, f"task-{number}")) for number in range(MOST_TASKS)]
    with pytest.raises(UsageError, match="as many as it may have"):
        tasks.add(world.conn, a_task(session, "one-more"), now=NOW)
    tasks.move(world.conn, made[0], TaskState.CANCELLED, reason=None, now=NOW)
    added(world, a_task(session, "one-more"))
    added(world, a_task(world.session("other", room="elsewhere"), "of another"))


def test_while_a_task_is_paused_nothing_comes_and_then_it_goes_on_from_now() -> None:
    world = World()
    task = added(world, a_task(world.session()))
    tasks.move(world.conn, task, TaskState.PAUSED, reason="a holiday", now=NOW)
    assert plan_of(world, task) is None
    assert stored(world.conn, task).reason == "a holiday"
    assert not take_up(world, task, at=TOP)
    later = TOP + timedelta(days=3) + timedelta(minutes=1)
    tasks.move(world.conn, stored(world.conn, task), TaskState.ACTIVE, reason=None, now=later)
    assert plan_of(world, task) == TOP + timedelta(days=3) + HOUR
    assert outcomes(world.conn) == [(f"{TOP + HOUR:%H:%M}", None)]


def test_pausing_and_resuming_before_its_time_plans_the_same_time_again() -> None:
    world = World()
    task = added(world, a_task(world.session()))
    for state in (TaskState.PAUSED, TaskState.ACTIVE, TaskState.ACTIVE):
        tasks.move(world.conn, stored(world.conn, task), state, reason=None, now=NOW)
    assert plan_of(world, task) == TOP


def test_a_time_that_was_had_is_not_had_again_when_the_clock_was_wrong() -> None:
    world = World()
    task = added(world, a_task(world.session()))
    assert take_up(world, task, at=TOP)
    tasks.move(world.conn, stored(world.conn, task), TaskState.PAUSED, reason=None, now=NOW)
    tasks.move(world.conn, stored(world.conn, task), TaskState.ACTIVE, reason=None, now=NOW)
    assert plan_of(world, task) == TOP + HOUR


def test_a_paused_task_for_once_whose_time_has_passed_is_due_when_it_is_resumed() -> None:
    world = World()
    task = added(world, a_task(world.session(), cron=None, first_at=TOP))
    tasks.move(world.conn, task, TaskState.PAUSED, reason=None, now=NOW)
    tasks.move(world.conn, stored(world.conn, task), TaskState.ACTIVE, reason=None, now=TOP + 9 * HOUR)
    assert plan_of(world, task) == TOP


@pytest.mark.parametrize("end", [TaskState.CANCELLED, TaskState.DONE])
def test_what_has_ended_stays_ended(end: TaskState) -> None:
    world = World()
    task = added(world, a_task(world.session()))
    ended = tasks.move(world.conn, task, end, reason=None, now=NOW)
    assert plan_of(world, task) is None
    with pytest.raises(UsageError, match="make a new one"):
        tasks.move(world.conn, ended, TaskState.ACTIVE, reason=None, now=NOW)
    with pytest.raises(UsageError, match="make a new one"):
        tasks.change(world.conn, ended, now=NOW)


def test_a_change_moves_the_plan_and_nothing_else() -> None:
    world = World()
    task = added(world, a_task(world.session()))
    tasks.change(world.conn, attrs.evolve(task, cron="30 * * * *"), now=NOW)
    assert plan_of(world, task) == NOW.replace(minute=30) + HOUR
    assert tasks.task_ids(world.conn) == {task.id}
    with pytest.raises(UsageError, match="no recurrence"):
        tasks.change(world.conn, attrs.evolve(task, cron="no"), now=NOW)
    assert plan_of(world, task) == NOW.replace(minute=30) + HOUR

"""Tasks in nanoclaw.db: made, changed, paused, resumed, ended. An active task has one occurrence planned, no more."""

from __future__ import annotations

from datetime import datetime

import attrs

from nanoclaw.core.occurrences import is_late
from nanoclaw.core.recurrence import Recurrence, RecurrenceError, read_recurrence
from nanoclaw.errors import UsageError
from nanoclaw.kit.zones import find_zone
from nanoclaw.model.ids import SessionId, TaskId
from nanoclaw.model.tasks import Occurrence, Task, TaskState
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute, integer, scalar
from schema.times import write_time

MOST_TASKS = 100
"""Active and paused tasks of one session."""
MOST_PROMPT = 20_000
MOST_SCRIPT = 50_000
"""Bytes: it is handed to the shell as one argument."""
LIVE = (TaskState.ACTIVE, TaskState.PAUSED)


def recurrence_of(task: Task) -> Recurrence | None:
    """When *task* comes again; None: it does not. Raises `UsageError` where its words or its zone make no sense."""
    if task.cron is None:
        return None
    try:
        return read_recurrence(task.cron, find_zone(task.timezone))
    except RecurrenceError as exc:
        raise UsageError(f"“{task.cron}” is no recurrence: {exc}") from None


def add(conn: Connection, task: Task, *, now: datetime) -> bool:
    """Keep a task and plan its first occurrence; says whether it is new. A task of the same id changes nothing.

    Raises:
      UsageError: it makes no sense, or its session has enough of them.
    """
    if get(conn, task.id) is not None:
        return False
    check(task)
    _check_time(task, now)
    live = integer(
        conn, "SELECT count(*) FROM tasks WHERE session_id = ? AND state IN ('active', 'paused')", (task.session_id,)
    )
    if live >= MOST_TASKS:
        raise UsageError(f"this session has {live} tasks, which is as many as it may have: cancel one first")
    keep(conn, task)
    if task.state is TaskState.ACTIVE:
        plan(conn, task, now=now)
    return True


def check(task: Task) -> None:
    """Raises `UsageError` for a task that makes no sense, and says what to do."""
    if not task.prompt.strip():
        raise UsageError("a task needs a prompt: what is to be done?")
    if len(task.prompt) > MOST_PROMPT or len((task.script or "").encode()) > MOST_SCRIPT:
        raise UsageError(f"too long: {MOST_PROMPT:,} characters of prompt, {MOST_SCRIPT:,} bytes of script")
    find_zone(task.timezone)
    recurrence_of(task)


def _check_time(task: Task, now: datetime) -> None:
    """A time that has passed is a mistake, most often of the zone."""
    if task.cron is None and is_late(task.first_at, now):
        at = task.first_at.astimezone(find_zone(task.timezone)).isoformat(timespec="minutes")
        raise UsageError(f"{at} has passed: say a time to come")


def keep(conn: Connection, task: Task) -> None:
    """Write a new task as it is, and plan nothing. Raises `ConstraintError` if there is one of that id."""
    execute(conn, insert_sql("tasks", Task), bindings(task))


def get(conn: Connection, task: TaskId) -> Task | None:
    """The task of that id."""
    found = select(conn, Task, "SELECT * FROM tasks WHERE id = ?", (task,))
    return found[0] if found else None


def tasks(conn: Connection) -> list[Task]:
    """All of them, the oldest first."""
    return select(conn, Task, "SELECT * FROM tasks ORDER BY created_at, id")


def live_tasks(conn: Connection, session: SessionId) -> list[Task]:
    """A session's active and paused tasks, the oldest first."""
    return select(
        conn,
        Task,
        "SELECT * FROM tasks WHERE session_id = ? AND state IN ('active', 'paused') ORDER BY created_at, id",
        (session,),
    )


def task_ids(conn: Connection) -> frozenset[TaskId]:
    """The ids of all tasks."""
    return frozenset(task.id for task in tasks(conn))


def planned(conn: Connection, task: TaskId) -> Occurrence | None:
    """The occurrence that is made and not due yet, or not taken up yet."""
    found = select(
        conn,
        Occurrence,
        "SELECT * FROM occurrences WHERE task_id = ? AND outcome IS NULL AND queued_at IS NULL",
        (task,),
    )
    return found[0] if found else None


def occurrences(conn: Connection, task: TaskId, most: int) -> list[Occurrence]:
    """The latest occurrences of a task, the newest first."""
    return select(
        conn, Occurrence, "SELECT * FROM occurrences WHERE task_id = ? ORDER BY due_at DESC LIMIT ?", (task, most)
    )


def plan(conn: Connection, task: Task, *, now: datetime) -> datetime | None:
    """Plan an active task's next occurrence from now on, if none is planned; returns its time, None for none.

    One that has had its occurrence, also by a clock that was wrong, is not planned again.
    """
    already = planned(conn, task.id)
    if already is not None:
        return already.due_at
    recurrence = recurrence_of(task)
    moment: datetime | None = task.first_at
    if recurrence is not None and task.first_at <= now:
        moment = recurrence.after(now)
    while moment is not None and not plant(conn, task.id, moment):
        moment = None if recurrence is None else recurrence.after(moment)
    return moment


def plant(conn: Connection, task: TaskId, due: datetime) -> bool:
    """Make the occurrence of *due*; False if there is one already. Raises `ConstraintError` if another is planned."""
    bound = (task, write_time(due))
    if scalar(conn, "SELECT 1 FROM occurrences WHERE task_id = ? AND due_at = ?", bound) is not None:
        return False
    execute(conn, "INSERT INTO occurrences (task_id, due_at) VALUES (?, ?)", bound)
    return True


def unplan(conn: Connection, task: TaskId) -> None:
    """Take back what is planned: its time has not come, so there is nothing to record."""
    execute(conn, "DELETE FROM occurrences WHERE task_id = ? AND outcome IS NULL AND queued_at IS NULL", (task,))


def move(conn: Connection, task: Task, state: TaskState, *, reason: str | None, now: datetime) -> Task:
    """Put *task* into *state*, with its plan: only an active task has one. Ended tasks stay ended.

    Raises:
      UsageError: it has ended, or is to be active and its recurrence makes no sense.
    """
    if task.state not in LIVE:
        raise UsageError(f"the task {task.id} is {task.state.value}: make a new one")
    moved = attrs.evolve(task, state=state, reason=reason, failures=0, changed_at=now)
    if state is not TaskState.ACTIVE:
        unplan(conn, task.id)
        _forget_misses_to_come(conn, task.id, now)
    elif plan(conn, moved, now=now) is None:
        raise UsageError(f"the task {task.id} has had its last run: make a new one")
    write(conn, moved)
    return moved


def _forget_misses_to_come(conn: Connection, task: TaskId, now: datetime) -> None:
    """Only a clock that was wrong can have seen a time pass that is still to come: it has not been missed."""
    execute(
        conn,
        "DELETE FROM occurrences WHERE task_id = ? AND outcome = 'missed' AND queued_at IS NULL AND due_at > ?",
        (task, write_time(now)),
    )


def set_aside(conn: Connection, task: TaskId, why: str, *, now: datetime) -> None:
    """Pause a task that could not be taken up, saying *why*."""
    found = get(conn, task)
    if found is not None and found.state is TaskState.ACTIVE:
        move(conn, found, TaskState.PAUSED, reason=f"it could not be taken up: {why}", now=now)


def change(conn: Connection, changed: Task, *, now: datetime) -> None:
    """Write *changed* over the task of its id. Its plan follows; what waits already stays as it was.

    Raises:
      UsageError: it has ended, or makes no sense now.
    """
    if changed.state not in LIVE:
        raise UsageError(f"the task {changed.id} is {changed.state.value}: make a new one")
    check(changed)
    _check_time(changed, now)
    write(conn, attrs.evolve(changed, changed_at=now))
    unplan(conn, changed.id)
    if changed.state is TaskState.ACTIVE:
        plan(conn, changed, now=now)


def write(conn: Connection, task: Task) -> None:
    """Write every field of a task that is there."""
    names = [field.name for field in attrs.fields(Task) if field.name != "id"]
    assignments = ", ".join(f"{name} = :{name}" for name in names)
    execute(conn, f"UPDATE tasks SET {assignments} WHERE id = :id", bindings(task))  # noqa: S608 - our own names

"""What agents ask about their tasks. An agent sees and changes those of its own session, and no other's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from nanoclaw.actors.asker import Asker
from nanoclaw.core.recurrence import read_moment
from nanoclaw.errors import UsageError
from nanoclaw.kit.zones import find_zone
from nanoclaw.model.ids import TaskId
from nanoclaw.model.tasks import Misfire, Task, TaskMaker, TaskState
from nanoclaw.store import tasks
from schema.requests import CancelTask, ListTasks, PauseTask, ResumeTask, ScheduleTask, TaskRequest, UpdateTask
from schema.sqlite import Connection


def schedule(conn: Connection, asker: Asker, runner_id: str, said: ScheduleTask, now: datetime) -> str:
    """Make a task. Its id follows from the request, so that the same request makes the same task."""
    session = asker.place.session.id
    zone = find_zone(said.timezone or asker.timezone)
    if said.process_after is None and said.recurrence is None:
        raise UsageError("say when: process_after, recurrence, or both")
    task = Task(
        id=TaskId(f"task-{session}-{asker.epoch}-{runner_id}"),
        session_id=session,
        prompt=said.prompt,
        script=said.script or None,
        channel=None if asker.origin is None else asker.origin.channel,
        platform_id=None if asker.origin is None else asker.origin.platform_id,
        thread_id=None if asker.origin is None else asker.origin.thread_id,
        timezone=zone.key,
        cron=said.recurrence or None,
        first_at=now if said.process_after is None else _moment(said.process_after, zone),
        misfire=_misfire(said.misfire),
        state=TaskState.ACTIVE,
        reason=None,
        failures=0,
        made_by=TaskMaker.AGENT,
        created_at=now,
        changed_at=now,
    )
    tasks.add(conn, task, now=now)
    return f"scheduled as {task.id}: {describe(conn, task)}"


def list_all(conn: Connection, asker: Asker, _: str, __: ListTasks, ___: datetime) -> str:
    """Every active and paused one."""
    lines = [f"{task.id}: {describe(conn, task)}" for task in tasks.live_tasks(conn, asker.place.session.id)]
    return "\n".join(lines) or "nothing is scheduled"


def update(conn: Connection, asker: Asker, _: str, said: UpdateTask, now: datetime) -> str:
    """Change what is said, and nothing else."""
    task = _own(conn, asker, said.task_id)
    zone = find_zone(said.timezone or task.timezone)
    changes: dict[str, Any] = {"timezone": zone.key}
    if said.prompt is not None:
        changes["prompt"] = said.prompt
    if said.process_after is not None:
        changes["first_at"] = _moment(said.process_after, zone)
    if said.recurrence is not None:
        changes["cron"] = said.recurrence or None
    if said.script is not None:
        changes["script"] = said.script or None
    if said.misfire is not None:
        changes["misfire"] = _misfire(said.misfire)
    changed = attrs.evolve(task, **changes)
    if changed == task:
        raise UsageError("say what to change: prompt, process_after, recurrence, script, timezone or misfire")
    tasks.change(conn, changed, now=now)
    return f"changed {task.id}: {describe(conn, changed)}"


def pause(conn: Connection, asker: Asker, _: str, said: PauseTask, now: datetime) -> str:
    """Let it rest."""
    task = tasks.move(conn, _own(conn, asker, said.task_id), TaskState.PAUSED, reason="its agent paused it", now=now)
    return f"{task.id} is paused"


def resume(conn: Connection, asker: Asker, _: str, said: ResumeTask, now: datetime) -> str:
    """Go on with it."""
    task = tasks.move(conn, _own(conn, asker, said.task_id), TaskState.ACTIVE, reason=None, now=now)
    return f"resumed {task.id}: {describe(conn, task)}"


def cancel(conn: Connection, asker: Asker, _: str, said: CancelTask, now: datetime) -> str:
    """End it."""
    task = tasks.move(
        conn, _own(conn, asker, said.task_id), TaskState.CANCELLED, reason="its agent cancelled it", now=now
    )
    return f"{task.id} is cancelled"


DO: Mapping[type[TaskRequest], Callable[[Connection, Asker, str, Any, datetime], str]] = {
    ScheduleTask: schedule,
    ListTasks: list_all,
    UpdateTask: update,
    PauseTask: pause,
    ResumeTask: resume,
    CancelTask: cancel,
}


def describe(conn: Connection, task: Task) -> str:
    """A task in one line, its next time by its own clock."""
    plan = tasks.planned(conn, task.id)
    when = f"`{task.cron}` in {task.timezone}" if task.cron else f"once, in {task.timezone}"
    if plan is None:
        return f"{when}; {task.state.value}"
    return f"{when}; next {plan.due_at.astimezone(find_zone(task.timezone)).isoformat(timespec='minutes')}"


def _own(conn: Connection, asker: Asker, task_id: str) -> Task:
    task = tasks.get(conn, TaskId(task_id))
    if task is None or task.session_id != asker.place.session.id:
        raise UsageError("there is no such task here: list_tasks says what there is")
    return task


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        return read_moment(text, zone)
    except ValueError as exc:
        raise UsageError(f"process_after is {exc}") from None


def _misfire(said: str | None) -> Misfire:
    try:
        return Misfire.LATEST if said is None else Misfire(said)
    except ValueError:
        raise UsageError(f"misfire is one of {', '.join(one.value for one in Misfire)}") from None

"""Occurrences in nanoclaw.db: taken up when their time has come, each once, and decided when their run is over.

Taking up is one transaction: the message for the agent, what became of the occurrences that were not put to it, and
the plan of the next.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from nanoclaw.core.occurrences import Pass, Run, Step, come_due
from nanoclaw.errors import UsageError
from nanoclaw.model.ids import InboundId, TaskId
from nanoclaw.model.tasks import Outcome, Task, TaskState
from nanoclaw.store import inbound, tasks
from schema import payloads
from schema.rows import InKind
from schema.sqlite import Connection, execute, integer
from schema.times import write_time

KEPT = 1_000
"""Decided occurrences that are kept for each task."""


def take_up(conn: Connection, task_id: TaskId, *, now: datetime) -> bool:
    """Do what the planned occurrence of a task asks for, if its time has come; says whether a message was made.

    Safe to repeat: what was taken up is no longer planned.
    """
    task, plan = tasks.get(conn, task_id), tasks.planned(conn, task_id)
    if task is None or plan is None or plan.due_at > now:
        return False
    if task.state is not TaskState.ACTIVE:
        tasks.unplan(conn, task_id)
        return False
    try:
        recurrence = tasks.recurrence_of(task)
    except UsageError as exc:
        # A zone that was renamed since: nothing can be computed, and saying so each minute helps nobody.
        tasks.move(conn, task, TaskState.PAUSED, reason=str(exc), now=now)
        return False
    due = come_due(plan.due_at, recurrence, task.misfire, now=now, waiting=waiting(conn, task_id))
    for step in due.steps:
        if step.due != plan.due_at and not tasks.plant(conn, task_id, step.due):
            continue
        _do(conn, task, step, now)
    following = due.next
    while following is not None and recurrence is not None and not tasks.plant(conn, task_id, following):
        following = recurrence.after(following)
    last = due.steps[-1]
    if following is None and isinstance(last, Pass) and not waiting(conn, task_id):
        tasks.write(conn, attrs.evolve(task, state=TaskState.DONE, reason=last.reason, changed_at=now))
    _forget_old(conn, task_id)
    return any(isinstance(step, Run) for step in due.steps)


def run_now(conn: Connection, task: Task, *, now: datetime) -> None:
    """Put *task* to its agent now, besides its plan."""
    plan = tasks.planned(conn, task.id)
    if plan is not None and plan.due_at == now:
        tasks.unplan(conn, task.id)
        # Its own time is now: it runs once, and the next is planned as ever.
        following = tasks.recurrence_of(task)
        _insert(conn, task, now)
        if following is not None and (after := following.after(now)) is not None:
            tasks.plant(conn, task.id, after)
        return
    _insert(conn, task, now)


def waiting(conn: Connection, task: TaskId) -> int:
    """How many runs of a task wait or are under way."""
    return integer(
        conn,
        "SELECT count(*) FROM occurrences WHERE task_id = ? AND outcome IS NULL AND queued_at IS NOT NULL",
        (task,),
    )


def _insert(conn: Connection, task: Task, now: datetime) -> None:
    # Its row is made and taken up in one: it never was a plan.
    if _queue(conn, task, now, now):
        execute(
            conn,
            "INSERT INTO occurrences (task_id, due_at, inbound_id, queued_at) VALUES (?, ?, ?, ?)",
            (task.id, write_time(now), message_id(task.id, now), write_time(now)),
        )


def _do(conn: Connection, task: Task, step: Step, now: datetime) -> None:
    match step:
        case Run(due):
            _queue(conn, task, due, now)
            execute(
                conn,
                "UPDATE occurrences SET inbound_id = ?, queued_at = ? WHERE task_id = ? AND due_at = ?",
                (message_id(task.id, due), write_time(now), task.id, write_time(due)),
            )
        case Pass(due, outcome, reason):
            decide(conn, task.id, due, outcome, reason, now=now)


def _queue(conn: Connection, task: Task, due: datetime, now: datetime) -> bool:
    """Make the message: it says when it was due, not when it was made."""
    new = inbound.NewInbound(
        id=message_id(task.id, due),
        kind=InKind.TASK,
        channel=task.channel,
        platform_id=task.platform_id,
        thread_id=task.thread_id,
        content=payloads.write(payloads.Task(prompt=task.prompt, script=task.script)),
        said_at=due,
        series_id=task.id,
        recurrence=task.cron,
    )
    return inbound.add(conn, new, session=task.session_id, now=now)


def message_id(task: TaskId, due: datetime) -> InboundId:
    """The id of the message of one occurrence: whatever happens, there is one."""
    return InboundId(f"{task}@{write_time(due).replace(':', '')}")


def decide(
    conn: Connection, task: TaskId, due: datetime, outcome: Outcome, reason: str | None, *, now: datetime
) -> None:
    """Say what became of an occurrence. One that is decided stays as it is."""
    execute(
        conn,
        "UPDATE occurrences SET outcome = ?, reason = ?, decided_at = ?"
        " WHERE task_id = ? AND due_at = ? AND outcome IS NULL",
        (outcome.value, reason, write_time(now), task, write_time(due)),
    )


def _forget_old(conn: Connection, task: TaskId) -> None:
    execute(
        conn,
        "DELETE FROM occurrences WHERE task_id = :task AND outcome IS NOT NULL AND due_at <"
        " (SELECT due_at FROM occurrences WHERE task_id = :task ORDER BY due_at DESC LIMIT 1 OFFSET :kept)",
        {"task": task, "kept": KEPT},
    )

"""Tasks that tests put into a world, and what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from nanoclaw.model.ids import SessionId, TaskId
from nanoclaw.model.tasks import Misfire, Task, TaskMaker, TaskState
from nanoclaw.store import occurrences, tasks
from schema.sqlite import Connection, fetch, transaction
from tests.support.central import NOW, ROOM, World


def a_task(session: SessionId, name: str = "task-1", **other: Any) -> Task:
    """A task of *session* for every hour, in UTC; *other* fields as they are said."""
    usual = Task(
        id=TaskId(name),
        session_id=session,
        prompt="look at the clock",
        script=None,
        channel=ROOM.channel,
        platform_id=ROOM.platform_id,
        thread_id=None,
        timezone="UTC",
        cron="0 * * * *",
        first_at=NOW,
        misfire=Misfire.LATEST,
        state=TaskState.ACTIVE,
        reason=None,
        failures=0,
        made_by=TaskMaker.OPERATOR,
        created_at=NOW,
        changed_at=NOW,
    )
    return attrs.evolve(usual, **other)


def added(world: World, task: Task) -> Task:
    """Keep *task* and plan it."""
    with transaction(world.conn):
        assert tasks.add(world.conn, task, now=world.now)
    return task


def stored(conn: Connection, task: Task) -> Task:
    """*task* as it is now."""
    found = tasks.get(conn, task.id)
    assert found is not None
    return found


def take_up(world: World, task: Task, *, at: datetime) -> bool:
    """The sweep's transaction, at a time."""
    world.now = at
    with transaction(world.conn):
        return occurrences.take_up(world.conn, task.id, now=at)


def outcomes(conn: Connection) -> list[tuple[str, str | None]]:
    """Every occurrence's hour and minute, and its outcome."""
    rows = fetch(conn, "SELECT due_at, outcome FROM occurrences ORDER BY due_at, task_id")
    return [(str(row["due_at"])[11:16], None if row["outcome"] is None else str(row["outcome"])) for row in rows]

"""What becomes of an occurrence when its message is settled, and of its task: done, or paused for failing too often."""

from __future__ import annotations

from datetime import datetime

from nanoclaw.core.occurrences import MOST_FAILURES, is_late
from nanoclaw.model.ids import InboundId, TaskId
from nanoclaw.model.tasks import Outcome
from schema.sqlite import Connection, Value, execute, fetch_one, scalar
from schema.times import read_time, write_time


def settled(conn: Connection, message: InboundId, *, error: str | None, note: str | None, now: datetime) -> None:
    """The message of an occurrence is settled; any other message is none of our business.

    Args:
      message: Whose.
      error: It failed, for this reason.
      note: It was completed without the agent, for this reason.
      now: The time.
    """
    row = fetch_one(
        conn,
        "SELECT task_id, due_at, queued_at FROM occurrences WHERE inbound_id = ? AND outcome IS NULL",
        (message,),
    )
    if row is None:
        return
    if error is not None:
        outcome = Outcome.FAILED
    elif note is not None:
        outcome = Outcome.SKIPPED
    else:
        late = is_late(read_time(str(row["due_at"])), read_time(str(row["queued_at"])))
        outcome = Outcome.LATE if late else Outcome.RAN
    execute(
        conn,
        "UPDATE occurrences SET outcome = ?, reason = ?, decided_at = ? WHERE inbound_id = ?",
        (outcome.value, error or note, write_time(now), message),
    )
    _move_task(conn, TaskId(str(row["task_id"])), failed=outcome is Outcome.FAILED, now=now)


def paused_by(conn: Connection, message: InboundId) -> TaskId | None:
    """The task that is paused because the failure of *message* was one too many."""
    found = scalar(
        conn,
        "SELECT t.id FROM occurrences o JOIN tasks t ON t.id = o.task_id"
        " WHERE o.inbound_id = ? AND t.state = 'paused' AND t.failures >= ?",
        (message, MOST_FAILURES),
    )
    return None if found is None else TaskId(str(found))


def _move_task(conn: Connection, task: TaskId, *, failed: bool, now: datetime) -> None:
    bound: dict[str, Value] = {"task": task, "now": write_time(now), "most": MOST_FAILURES, "failed": int(failed)}
    execute(conn, "UPDATE tasks SET failures = (failures + 1) * :failed WHERE id = :task", bound)
    # Nothing planned, and nothing else under way: it has had its last occurrence.
    execute(
        conn,
        "UPDATE tasks SET state = 'done', reason = NULL, changed_at = :now WHERE id = :task AND state = 'active'"
        " AND NOT EXISTS (SELECT 1 FROM occurrences WHERE task_id = :task AND outcome IS NULL)",
        bound,
    )
    paused = execute(
        conn,
        "UPDATE tasks SET state = 'paused', reason = 'its last ' || failures || ' runs failed', changed_at = :now"
        " WHERE id = :task AND state = 'active' AND failures >= :most",
        bound,
    )
    if paused:
        execute(conn, "DELETE FROM occurrences WHERE task_id = :task AND outcome IS NULL AND queued_at IS NULL", bound)

"""What a restored truth must not do again: everything that was undecided at its backup may have been decided since.

Nothing is sent, answered or executed by itself that may have been already; it is parked where the operator sees it, and
can have it tried again. What is still to come, comes.
"""

from __future__ import annotations

from datetime import datetime

import attrs
from attrs import frozen

from nanoclaw.core.retry import RetryPolicy
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import ApprovalState
from nanoclaw.model.ids import ApprovalId, InboundId, OutboundId
from nanoclaw.model.messages import EpochEnding, LedgerState
from nanoclaw.model.tasks import Outcome, Task, TaskState
from nanoclaw.store import approvals, epochs, inbound, ledger, occurrences, tasks
from schema.sqlite import Connection, execute, fetch


@frozen(kw_only=True)
class Parked:
    """How much was parked, of each kind."""

    messages_in: int
    messages_out: int
    approvals: int
    occurrences: int


def park(conn: Connection, made_at: datetime, *, now: datetime) -> Parked:
    """Park what a backup of *made_at* left undecided, in the caller's transaction. Doing it again changes nothing."""
    why = f"this home was restored from a backup of {made_at:%Y-%m-%d %H:%M} UTC"
    for epoch in epochs.all_live(conn):
        inbound.release_claims(conn, epoch.session_id, epoch.number, EpochEnding.STOPPED, policy=RetryPolicy(), now=now)
        epochs.end(conn, epoch.session_id, epoch.number, EpochEnding.HOST_DIED, why, now=now)
    came = _ids(conn, "SELECT id FROM inbound WHERE status = 'pending' AND trigger = 1 ORDER BY session_id, seq")
    for row in came:
        inbound.settle(conn, InboundId(row), error=f"{why}: it may have been answered since", now=now)
    went = _ids(conn, "SELECT id FROM ledger WHERE state IN ('pending', 'sending') ORDER BY position")
    for row in went:
        error = f"{why}: it may have been sent since"
        ledger.settle(conn, OutboundId(row), LedgerState.UNKNOWN, error=error, now=now)
    asked = _ids(conn, "SELECT id FROM approvals WHERE state IN ('pending', 'executing') ORDER BY requested_at, id")
    for row in asked:
        approvals.end(conn, ApprovalId(row), ApprovalState.EXPIRED, f"{why}: ask again", now=now)
    missed = sum(_pass(conn, task, why, now) for task in tasks.tasks(conn) if task.state is TaskState.ACTIVE)
    # Who was let in then may have been shown out since; and a platform's mark of then would bring old messages anew.
    execute(conn, "DELETE FROM web_keys")
    execute(conn, "DELETE FROM marks")
    return Parked(messages_in=len(came), messages_out=len(went), approvals=len(asked), occurrences=missed)


def _pass(conn: Connection, task: Task, why: str, now: datetime) -> int:
    """Pass over the planned occurrence of *task* if its time has come meanwhile; says how many that are."""
    planned = tasks.planned(conn, task.id)
    if planned is None or planned.due_at > now:
        return 0
    occurrences.decide(conn, task.id, planned.due_at, Outcome.MISSED, f"{why}: it may have run since", now=now)
    try:
        following = None if task.cron is None else tasks.plan(conn, task, now=now)
    except UsageError as exc:
        tasks.write(conn, attrs.evolve(task, state=TaskState.PAUSED, reason=str(exc), changed_at=now))
        return 1
    if following is None:
        reason = f"{why}: it may have run since"
        tasks.write(conn, attrs.evolve(task, state=TaskState.DONE, reason=reason, changed_at=now))
    return 1


def _ids(conn: Connection, sql: str) -> list[str]:
    return [str(row["id"]) for row in fetch(conn, sql)]

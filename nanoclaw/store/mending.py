"""Each way in which `nanoclaw repair` changes rows, in the caller's transaction. Doing one again changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import attrs

from nanoclaw.core.repair import Mend
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import ApprovalState
from nanoclaw.model.ids import AgentGroupId, ApprovalId, EventId, InboundId, QuestionId, TaskId
from nanoclaw.model.messages import Drop
from nanoclaw.model.tasks import TaskState
from nanoclaw.store import approvals, drops, inbound, kept, outcomes, programs, questions, tasks
from nanoclaw.store.ticks import tick
from schema.sqlite import Connection, execute, fetch_one
from schema.times import write_time

WHY = "found by nanoclaw repair"
LOST = "lost"
FILE_LOST = "file-lost"


def mend(conn: Connection, how: Mend, where: str, *, now: datetime) -> None:
    """Mend what *where* names, as `verify` does."""
    MENDS[how](conn, where, now)


def _record_loss(conn: Connection, where: str, now: datetime) -> None:
    event = EventId(where)
    row = fetch_one(conn, "SELECT platform_message_id, sender_id FROM events WHERE id = ?", (event,))
    if row is not None:
        drop = Drop(
            key=f"repair:{event}",
            kind="event",
            event_id=event,
            reference=str(row["platform_message_id"]),
            reason=LOST,
            detail=WHY,
            dropped_at=now,
        )
        drops.record(conn, drop)


def _give_back(conn: Connection, row: str, _: datetime) -> None:
    execute(
        conn,
        "UPDATE inbound SET claimed_epoch = NULL, claimed_at = NULL, process_after = NULL, touched = ?"
        " WHERE id = ? AND claimed_epoch IN"
        " (SELECT number FROM epochs e WHERE e.session_id = inbound.session_id AND e.ended_at IS NOT NULL)",
        (tick(conn), row),
    )


def _decide_out(conn: Connection, row: str, now: datetime, *, in_doubt: bool) -> None:
    execute(
        conn,
        "UPDATE ledger SET state = iif(:doubt, 'unknown', state), doubt = max(doubt, :doubt), touched = :tick,"
        " settled_at = iif(:doubt, :now, coalesce(settled_at, :now)), error = iif(:doubt, :why, error) WHERE id = :id",
        {
            "doubt": int(in_doubt),
            "now": write_time(now),
            "why": f"nobody knows whether it was sent, {WHY}",
            "tick": tick(conn),
            "id": row,
        },
    )


def _settle_in(conn: Connection, row: str, now: datetime) -> None:
    """What has an end keeps it, and what is settled has no claim."""
    execute(
        conn,
        "UPDATE inbound SET touched = :tick, claimed_epoch = NULL, claimed_at = NULL,"
        " status = CASE WHEN settled_at IS NULL OR status NOT IN ('pending', 'paused') THEN status"
        "               WHEN error IS NULL THEN 'completed' ELSE 'failed' END,"
        " settled_at = iif(status IN ('pending', 'paused'), settled_at, coalesce(settled_at, :now)) WHERE id = :id",
        {"id": row, "now": write_time(now), "tick": tick(conn)},
    )


def _plan(conn: Connection, which: str, now: datetime) -> None:
    task = tasks.get(conn, TaskId(which))
    if task is None or task.state is not TaskState.ACTIVE:
        return
    try:
        following = tasks.plan(conn, task, now=now)
    except UsageError as exc:
        tasks.write(conn, attrs.evolve(task, state=TaskState.PAUSED, reason=str(exc), changed_at=now))
        return
    if following is None:
        tasks.write(conn, attrs.evolve(task, state=TaskState.DONE, reason=WHY, changed_at=now))


def _decide_run(conn: Connection, which: str, now: datetime) -> None:
    row = inbound.get(conn, InboundId(which))
    if row is not None and row.settled_at is not None:
        failed = row.status.value == "failed"
        error, note = (row.error, None) if failed else (None, row.error)
        outcomes.settled(conn, row.id, error=error or ("it failed" if failed else None), note=note, now=now)


def _forget_file(conn: Connection, spool_id: str, now: datetime) -> None:
    row = fetch_one(conn, "SELECT event_id, name, digest FROM attachments WHERE spool_id = ?", (spool_id,))
    if row is not None:
        drop = Drop(
            key=f"{FILE_LOST}:{spool_id}",
            kind="event",
            event_id=EventId(str(row["event_id"])),
            reference=str(row["name"]),
            reason=FILE_LOST,
            detail=WHY,
            digest=str(row["digest"]),
            dropped_at=now,
        )
        drops.record(conn, drop)
        execute(conn, "DELETE FROM attachments WHERE spool_id = ?", (spool_id,))


def _give_up_in(conn: Connection, row: str, now: datetime) -> None:
    inbound.settle(conn, InboundId(row), error=f"it cannot be read, {WHY}", now=now)


def _unplan(conn: Connection, task: str, _: datetime) -> None:
    tasks.unplan(conn, TaskId(task))


def _end_question(conn: Connection, which: str, now: datetime) -> None:
    question = questions.get(conn, QuestionId(which))
    if question is not None:
        questions.undelivered(conn, question.ledger_id, "its message never arrived", now=now)


def _forget_kept(conn: Connection, approval: str, _: datetime) -> None:
    kept.forget(conn, ApprovalId(approval))


def _expire(conn: Connection, approval: str, now: datetime) -> None:
    why = "what would be done was not what was asked for: ask again"
    approvals.end(conn, ApprovalId(approval), ApprovalState.EXPIRED, why, now=now)


def _forget_program(conn: Connection, where: str, _: datetime) -> None:
    group, _space, digest = where.rpartition(" ")
    programs.forget(conn, AgentGroupId(group), digest)


def _catch_up(conn: Connection, _: str, __: datetime) -> None:
    execute(
        conn,
        "UPDATE ticks SET last = max(last, coalesce((SELECT max(touched) FROM inbound), 0),"
        " coalesce((SELECT max(touched) FROM ledger), 0), coalesce((SELECT max(shown) FROM agent_groups), 0))",
    )


def _forget_state(conn: Connection, session: str, _: datetime) -> None:
    execute(conn, "UPDATE sessions SET provider_state = '{}' WHERE id = ?", (session,))


MENDS: dict[Mend, Callable[[Connection, str, datetime], None]] = {
    Mend.RECORD_LOSS: _record_loss,
    Mend.GIVE_BACK: _give_back,
    Mend.DOUBT: partial(_decide_out, in_doubt=True),
    Mend.KEEP_DECIDED: partial(_decide_out, in_doubt=False),
    Mend.SETTLE_IN: _settle_in,
    Mend.GIVE_UP_IN: _give_up_in,
    Mend.PLAN: _plan,
    Mend.UNPLAN: _unplan,
    Mend.DECIDE_RUN: _decide_run,
    Mend.END_QUESTION: _end_question,
    Mend.FORGET_KEPT: _forget_kept,
    Mend.EXPIRE: _expire,
    Mend.FORGET_PROGRAM: _forget_program,
    Mend.CATCH_UP: _catch_up,
    Mend.FORGET_STATE: _forget_state,
    Mend.FORGET_FILE: _forget_file,
}

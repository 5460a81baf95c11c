"""Messages out that their platform had taken, and rejected later, in nanoclaw.db: recorded and told, in one step."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from nanoclaw.core.rejections import ELSEWHERE, Leave, judge
from nanoclaw.model.ids import OutboundId, SessionId
from nanoclaw.model.messages import Drop, LedgerRow, LedgerState, Rejection
from nanoclaw.store import approval_cards, drops, ledger, notices, questions
from nanoclaw.store.ticks import tick
from schema.rows import OutKind
from schema.sqlite import Connection, execute, scalar
from schema.times import write_time


@frozen
class Rejected:
    """A message did not arrive after all."""

    session: SessionId | None
    """Whose it was; None: the host itself had said it."""
    asked: bool
    """Did it ask people a question? Somebody else may be asked then."""


def reject(conn: Connection, told: Rejection, *, now: datetime) -> Rejected | Leave:
    """Apply *told*; its agent is left a note. The same again changes nothing."""
    row = _named(conn, told)
    verdict = judge(told, row)
    if row is None or isinstance(verdict, Leave):
        assert isinstance(verdict, Leave)
        if row is not None and verdict.reason == ELSEWHERE:
            drops.record(conn, _drop(row, told, verdict, now))
        return verdict
    execute(
        conn,
        "UPDATE ledger SET state = 'rejected', error = :why, settled_at = :now, touched = :tick WHERE id = :id",
        {"id": row.id, "why": verdict.why, "now": write_time(now), "tick": tick(conn)},
    )
    notices.delivery_failed(conn, row, LedgerState.REJECTED.value, verdict.why, now=now)
    asked = row.kind == OutKind.ASK_QUESTION.value
    if asked:
        questions.undelivered(conn, row.id, verdict.why, now=now)
        approval_cards.lost(conn, row.id)
    return Rejected(row.session_id, asked)


def _named(conn: Connection, told: Rejection) -> LedgerRow | None:
    """The message, or the one that the part belongs to, which has that name."""
    found = scalar(
        conn,
        "SELECT id FROM ledger WHERE channel = :channel AND platform_message_id = :name"
        " UNION ALL SELECT l.id FROM ledger_parts p JOIN ledger l ON l.id = p.ledger_id"
        " WHERE p.platform_message_id = :name AND l.channel = :channel LIMIT 1",
        {"channel": told.channel, "name": told.platform_message_id},
    )
    return None if found is None else ledger.get(conn, OutboundId(str(found)))


def _drop(row: LedgerRow, told: Rejection, verdict: Leave, now: datetime) -> Drop:
    return Drop(
        key=f"rejection:{row.id}",
        kind="event",
        session_id=row.session_id,
        reference=told.platform_message_id,
        reason=verdict.reason,
        detail=verdict.detail,
        dropped_at=now,
    )

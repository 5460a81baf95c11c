"""Closing an epoch: its claims go back to the session, and those that have had their last try are told of."""

from __future__ import annotations

from datetime import datetime

from nanoclaw.core.notices import plain
from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.model.messages import Drop, EpochEnding
from nanoclaw.store import drops, epochs, inbound, notices, parkings
from nanoclaw.store.ledger import Lane
from schema.sqlite import Connection


def close_epoch(
    conn: Connection,
    session: SessionId,
    number: EpochNumber,
    ending: EpochEnding,
    detail: str,
    *,
    policy: RetryPolicy,
    now: datetime,
) -> set[Lane]:
    """Close *number*, which is dead and drained. Safe to repeat. Returns the lanes with news for a chat."""
    lanes = parkings.settle_cancelled(conn, session, number, now=now)
    for row in inbound.release_claims(conn, session, number, ending, policy=policy, now=now):
        lanes |= notices.message_failed(conn, row, "the sandbox kept failing while at it", now=now)
    epochs.end(conn, session, number, ending, plain(detail), now=now)
    if ending is EpochEnding.QUARANTINED:
        drop = Drop(
            key=f"epoch:{session}/{number}",
            kind="epoch",
            session_id=session,
            epoch=number,
            reference=f"epoch {number}",
            reason="quarantined",
            detail=plain(detail),
            dropped_at=now,
        )
        drops.record(conn, drop)
        notices.tell_agent(
            conn,
            session,
            key=f"quarantined:{session}/{number}",
            action="epoch_quarantined",
            text="the outbox of your last run was not readable and was set aside",
            now=now,
        )
    return lanes

"""What agents asked of the host, and what came of it: a request that is read twice is handled once."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from nanoclaw.model.ids import EpochNumber, SessionId
from schema.rows import bindings, insert_sql
from schema.sqlite import Connection, execute, scalar


@frozen(kw_only=True)
class Asked:
    """A row of requests."""

    session_id: SessionId
    epoch: EpochNumber
    runner_id: str
    action: str
    digest: str
    accepted: bool
    result: str
    handled_at: datetime


def is_known(conn: Connection, session: SessionId, epoch: EpochNumber, runner_id: str) -> bool:
    """Has this been handled?"""
    found = scalar(
        conn,
        "SELECT 1 FROM requests WHERE session_id = ? AND epoch = ? AND runner_id = ?",
        (session, epoch, runner_id),
    )
    return found is not None


def record(conn: Connection, row: Asked) -> None:
    """Keep what came of a request."""
    execute(conn, insert_sql("requests", Asked), bindings(row))

"""How much happens in each session: what a person wants to see of it at a glance."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from nanoclaw.model.ids import EpochNumber, SessionId
from schema.rows import select
from schema.sqlite import Connection


@frozen(kw_only=True)
class Activity:
    """One session in figures."""

    session_id: SessionId
    heard: int
    """Messages it was given, context among them."""
    waiting: int
    """Those to be answered that no agent has settled."""
    said: int
    """Messages out, the host's own among them."""
    last: datetime | None
    """When it last heard or said something."""
    epoch: EpochNumber | None
    """The number of its open epoch."""


def activity(conn: Connection) -> dict[SessionId, Activity]:
    """Every session's."""
    rows = select(
        conn,
        Activity,
        "SELECT s.id AS session_id,"
        " (SELECT count(*) FROM inbound WHERE session_id = s.id) AS heard,"
        " (SELECT count(*) FROM inbound WHERE session_id = s.id AND status = 'pending' AND trigger = 1) AS waiting,"
        " (SELECT count(*) FROM ledger WHERE session_id = s.id) AS said,"
        " nullif(max(coalesce((SELECT max(timestamp) FROM inbound WHERE session_id = s.id), ''),"
        "            coalesce((SELECT max(created_at) FROM ledger WHERE session_id = s.id), '')), '') AS last,"
        " (SELECT number FROM epochs WHERE session_id = s.id AND ended_at IS NULL) AS epoch"
        " FROM sessions s",
    )
    return {row.session_id: row for row in rows}

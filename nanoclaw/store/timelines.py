"""What happened in a session, as spans on one axis: its sandboxes, its messages, its model, its replies.

Looks, never touches. Each track has its latest spans, the oldest of them first.
"""

from __future__ import annotations

from datetime import datetime

from nanoclaw.model.ids import SessionId
from schema.sqlite import Connection, Row, fetch, fetch_one
from schema.times import write_time

MOST_SPANS = 60
"""Of each track."""

_TRACKS = {
    "sandboxes": (
        "SELECT started_at AS start, ended_at AS stop, 'epoch ' || number AS name, coalesce(ending, 'runs') AS state,"
        " coalesce(detail, '') AS detail FROM epochs WHERE session_id = :session ORDER BY number DESC LIMIT :most"
    ),
    "messages": (
        "SELECT timestamp AS start, settled_at AS stop, id AS name,"
        " CASE WHEN claimed_epoch IS NULL THEN status ELSE 'claimed' END AS state, coalesce(error, '') AS detail"
        " FROM inbound WHERE session_id = :session AND trigger = 1 ORDER BY seq DESC LIMIT :most"
    ),
    "claims": (
        "SELECT claimed_at AS start, NULL AS stop, id AS name, 'claimed' AS state, '' AS detail FROM inbound"
        " WHERE session_id = :session AND status = 'pending' AND claimed_epoch IS NOT NULL"
        " ORDER BY seq DESC LIMIT :most"
    ),
    "model": (
        "SELECT at AS start, at AS stop, coalesce(model, 'model') AS name, 'result' AS state,"
        " read || ' tokens read, ' || written || ' written' AS detail FROM usage"
        " WHERE session_id = :session ORDER BY at DESC LIMIT :most"
    ),
    "replies": (
        "SELECT created_at AS start, settled_at AS stop, id AS name, state, coalesce(error, '') AS detail FROM ledger"
        " WHERE session_id = :session ORDER BY position DESC LIMIT :most"
    ),
}


def timeline(conn: Connection, session: SessionId, *, now: datetime) -> dict[str, object] | None:
    """All of it as JSON can say it, with `start` and `stop` as UTC text; None: there is no such session.

    A span without a `stop` goes on at *now*.
    """
    known = fetch_one(
        conn,
        "SELECT s.id, a.name AS agent, coalesce(c.name, '') AS chat FROM sessions s"
        " JOIN agent_groups a ON a.id = s.agent_group_id LEFT JOIN messaging_groups c ON c.id = s.messaging_group_id"
        " WHERE s.id = ?",
        (session,),
    )
    if known is None:
        return None
    tracks: dict[str, list[Row]] = {
        name: fetch(conn, sql, {"session": session, "most": MOST_SPANS})[::-1] for name, sql in _TRACKS.items()
    }
    return {**known, "now": write_time(now), "tracks": tracks}

"""The file's one counter, and the numbers of a session: what changed since a last look, and what comes next?"""

from __future__ import annotations

import json
from collections.abc import Collection

from nanoclaw.model.ids import SessionId
from schema.sqlite import Connection, fetch_plain, integer


def tick(conn: Connection) -> int:
    """The next number, greater than every one before it in this file."""
    return integer(conn, "UPDATE ticks SET last = last + 1 RETURNING last")


def highest_seq(conn: Connection, session: str) -> int:
    """The highest message number that the host knows of in a session; 0 for none."""
    return integer(
        conn,
        "SELECT max(coalesce((SELECT max(seq) FROM inbound WHERE session_id = :session), 0),"
        "           coalesce((SELECT max(seq) FROM ledger WHERE session_id = :session), 0))",
        {"session": session},
    )


def tick_and_seqs(conn: Connection, sessions: Collection[SessionId]) -> tuple[int, dict[SessionId, int]]:
    """`tick`, and `highest_seq` of many sessions, in one step."""
    _, ((last, highest),) = fetch_plain(
        conn,
        "UPDATE ticks SET last = last + 1 RETURNING last, (SELECT json_group_object(value,"
        "  max(coalesce((SELECT max(seq) FROM inbound WHERE session_id = value), 0),"
        "      coalesce((SELECT max(seq) FROM ledger WHERE session_id = value), 0))) FROM json_each(?))",
        (json.dumps(list(sessions)),),
    )
    assert isinstance(last, int)
    found: dict[str, int] = json.loads(str(highest))
    return last, {SessionId(session): seq for session, seq in found.items()}

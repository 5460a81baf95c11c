"""The file's one counter, and the numbers of a session: what changed since a last look, and what comes next?"""

from __future__ import annotations

import json
from collections.abc import Collection

from nanoclaw.model.ids import SessionId
from schema.sqlite import Connection, fetch, integer


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


def highest_seqs(conn: Connection, sessions: Collection[SessionId]) -> dict[SessionId, int]:
    """`highest_seq` of many sessions at once."""
    rows = fetch(
        conn,
        "SELECT value AS session, max(coalesce((SELECT max(seq) FROM inbound WHERE session_id = value), 0),"
        "                             coalesce((SELECT max(seq) FROM ledger WHERE session_id = value), 0)) AS highest"
        "  FROM json_each(?)",
        (json.dumps(list(sessions)),),
    )
    return {SessionId(str(row["session"])): int(str(row["highest"])) for row in rows}

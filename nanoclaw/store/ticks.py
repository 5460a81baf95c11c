"""The file's one counter, and the numbers of a session: what changed since a last look, and what comes next?"""

from __future__ import annotations

import json
from collections.abc import Collection

from nanoclaw.model.ids import SessionId
from schema.sqlite import Connection, execute, fetch_plain, integer


def tick(conn: Connection) -> int:
    """The next number, greater than every one before it in this file."""
    # Two plain steps: what an UPDATE is to return, SQLite keeps in a table made for it.
    execute(conn, "UPDATE ticks SET last = last + 1")
    return integer(conn, "SELECT last FROM ticks")


def highest_seq(conn: Connection, session: str) -> int:
    """The highest message number that the host knows of in a session; 0 for none."""
    return integer(
        conn,
        "SELECT max(coalesce((SELECT max(seq) FROM inbound WHERE session_id = :session), 0),"
        "           coalesce((SELECT max(seq) FROM ledger WHERE session_id = :session), 0))",
        {"session": session},
    )


def tick_and_seqs(conn: Connection, sessions: Collection[SessionId]) -> tuple[int, dict[SessionId, int]]:
    """`tick`, and `highest_seq` of many sessions, in few steps."""
    if len(sessions) == 1:
        (session,) = sessions
        return tick(conn), {session: highest_seq(conn, session)}
    _, rows = fetch_plain(
        conn,
        "SELECT value, max(coalesce((SELECT max(seq) FROM inbound WHERE session_id = value), 0),"
        "                  coalesce((SELECT max(seq) FROM ledger WHERE session_id = value), 0)) FROM json_each(?)",
        (json.dumps(list(sessions)),),
    )
    return tick(conn), {SessionId(str(session)): int(str(seq)) for session, seq in rows}

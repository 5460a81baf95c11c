"""The file's one counter: what changed since a session's last look?"""

from __future__ import annotations

from schema.sqlite import Connection, execute, integer


def tick(conn: Connection) -> int:
    """The next number, greater than every one before it in this file."""
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

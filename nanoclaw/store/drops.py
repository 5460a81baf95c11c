"""What was not passed on, and why."""

from __future__ import annotations

from nanoclaw.model.messages import Drop
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute


def record(conn: Connection, drop: Drop) -> None:
    """Keep a drop's record; the same one again changes nothing."""
    execute(conn, insert_sql("drops", Drop) + " ON CONFLICT (key) DO NOTHING", bindings(drop))


def recent(conn: Connection, most: int = 50) -> list[Drop]:
    """The latest drops, the newest first."""
    return select(conn, Drop, "SELECT * FROM drops ORDER BY dropped_at DESC, key LIMIT ?", (most,))

"""The lives of sandboxes in nanoclaw.db. A session has at most one open epoch; a unique index says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.model.messages import Epoch, EpochEnding
from schema.rows import select
from schema.sqlite import Connection, execute, fetch, integer, scalar
from schema.times import read_time, write_time


def begin(conn: Connection, session: SessionId, *, engine: str, now: datetime) -> EpochNumber:
    """Open the session's next epoch. Raises `ConstraintError` while another is open."""
    sql = "SELECT coalesce(max(number), 0) + 1 FROM epochs WHERE session_id = ?"
    number = EpochNumber(integer(conn, sql, (session,)))
    execute(
        conn,
        "INSERT INTO epochs (session_id, number, engine, started_at) VALUES (?, ?, ?, ?)",
        (session, number, engine, write_time(now)),
    )
    return number


def live(conn: Connection, session: SessionId) -> Epoch | None:
    """The session's open epoch."""
    found = select(conn, Epoch, "SELECT * FROM epochs WHERE session_id = ? AND ended_at IS NULL", (session,))
    return found[0] if found else None


def all_live(conn: Connection) -> list[Epoch]:
    """Every open epoch."""
    return select(conn, Epoch, "SELECT * FROM epochs WHERE ended_at IS NULL ORDER BY session_id")


def sessions_alive(conn: Connection) -> list[SessionId]:
    """The sessions that have an open epoch."""
    rows = fetch(conn, "SELECT session_id FROM epochs WHERE ended_at IS NULL ORDER BY session_id")
    return [SessionId(str(row["session_id"])) for row in rows]


def ends(
    conn: Connection, lives: Sequence[tuple[SessionId, EpochNumber]]
) -> dict[tuple[SessionId, EpochNumber], datetime]:
    """When those of *lives* ended that have."""
    rows = fetch(
        conn,
        "SELECT session_id, number, ended_at FROM epochs JOIN json_each(?) life"
        " ON session_id = life.value ->> 0 AND number = life.value ->> 1 WHERE ended_at IS NOT NULL",
        (json.dumps(lives),),
    )
    return {
        (SessionId(str(row["session_id"])), EpochNumber(int(str(row["number"])))): read_time(str(row["ended_at"]))
        for row in rows
    }


def advance(conn: Connection, session: SessionId, number: EpochNumber, cursor: int) -> None:
    """Remember the last row that was absorbed of an epoch's outbox; never goes back."""
    execute(
        conn,
        "UPDATE epochs SET cursor = max(cursor, ?) WHERE session_id = ? AND number = ?",
        (cursor, session, number),
    )


def tell_to_end(conn: Connection, session: SessionId, why: str) -> EpochNumber | None:
    """Want the session's open epoch to end; returns its number, or None if there is none."""
    open_one = live(conn, session)
    if open_one is None:
        return None
    execute(
        conn,
        "UPDATE epochs SET told_to_end = ? WHERE session_id = ? AND number = ?",
        (why, session, open_one.number),
    )
    return open_one.number


def told_to_end(conn: Connection, session: SessionId, number: EpochNumber) -> str | None:
    """Why somebody wants that epoch to end; None if nobody does. One that began just as its session was parked ends."""
    why = scalar(
        conn,
        "SELECT coalesce(e.told_to_end, 'parked, because: ' || p.because) FROM epochs e"
        " LEFT JOIN parkings p ON p.session_id = e.session_id WHERE e.session_id = ? AND e.number = ?",
        (session, number),
    )
    return None if why is None else str(why)


def end(
    conn: Connection, session: SessionId, number: EpochNumber, ending: EpochEnding, detail: str, *, now: datetime
) -> None:
    """Close an epoch. One that is closed stays as it was."""
    execute(
        conn,
        "UPDATE epochs SET ended_at = ?, ending = ?, detail = ?"
        " WHERE session_id = ? AND number = ? AND ended_at IS NULL",
        (write_time(now), ending.value, detail, session, number),
    )

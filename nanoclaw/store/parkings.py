"""What people have said about the work of sessions, in nanoclaw.db: parked, and messages that are wanted no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nanoclaw.core.session_acts import Standing, cancelled_words, parked_words
from nanoclaw.model.ids import EpochNumber, InboundId, SessionId, UserId
from nanoclaw.model.messages import InboundRow
from nanoclaw.model.overview import Parking
from nanoclaw.store import epochs, inbound, notices
from nanoclaw.store.ledger import Lane
from nanoclaw.store.ticks import tick
from schema.rows import read_row, select
from schema.sqlite import Connection, execute, fetch, fetch_one
from schema.times import write_time

PARKINGS = """
SELECT p.session_id, coalesce(u.display_name, p.who) AS who, p.because, p.parked_at
  FROM parkings p LEFT JOIN users u ON u.id = p.who
"""
"""Every `Parking`."""


def park(conn: Connection, session: SessionId, who: UserId, because: str, *, now: datetime) -> None:
    """Have nobody start a sandbox for *session* from now on, and one that runs end."""
    execute(
        conn,
        "INSERT INTO parkings (session_id, who, because, parked_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (session, who, because, write_time(now)),
    )
    found = parking(conn, session)
    assert found is not None
    epochs.tell_to_end(conn, session, parked_words(found.who, found.because))


def unpark(conn: Connection, session: SessionId) -> None:
    """The session goes on as any other. May be repeated."""
    execute(conn, "DELETE FROM parkings WHERE session_id = ?", (session,))


def parking(conn: Connection, session: SessionId) -> Parking | None:
    """Who has parked *session*, and why; None: nobody has."""
    row = fetch_one(conn, f"{PARKINGS} WHERE p.session_id = ?", (session,))
    return None if row is None else read_row(row, Parking)


def standing(conn: Connection, session: SessionId, *, now: datetime) -> Standing:
    """How *session* stands, for whoever wants to do something to it."""
    found, live = parking(conn, session), epochs.live(conn, session)
    return Standing(
        parked=None if found is None else parked_words(found.who, found.because),
        running=live is not None,
        at=0 if live is None else len(_rows_of(conn, session, live.number, now)),
    )


def make_due(conn: Connection, session: SessionId) -> int:
    """What waits in *session* for a time is due at once; how much that is."""
    return execute(
        conn,
        "UPDATE inbound SET process_after = NULL, touched = ? WHERE session_id = ? AND status = 'pending'"
        " AND claimed_epoch IS NULL AND process_after IS NOT NULL",
        (tick(conn), session),
    )


def cancel(
    conn: Connection, session: SessionId, epoch: EpochNumber, who: UserId, because: str, *, now: datetime
) -> None:
    """Have *epoch* end, and what it is at now with it: see `settle_cancelled`. May be repeated."""
    for row in _rows_of(conn, session, epoch, now):
        execute(
            conn,
            "INSERT INTO cancellations (inbound_id, session_id, epoch, who, because, cancelled_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch, who = excluded.who,"
            " because = excluded.because, cancelled_at = excluded.cancelled_at",
            (row, session, epoch, who, because, write_time(now)),
        )
    epochs.tell_to_end(conn, session, cancelled_words(_name(conn, who), because))


def settle_cancelled(conn: Connection, session: SessionId, epoch: EpochNumber, *, now: datetime) -> set[Lane]:
    """End what was cancelled in *epoch*, which is dead and drained: whatever it has not settled itself.

    Whoever waits for it is told. Returns the lanes with news for a chat.
    """
    lanes: set[Lane] = set()
    said = {
        str(one["inbound_id"]): cancelled_words(str(one["who"]), str(one["because"]))
        for one in fetch(
            conn,
            "SELECT c.inbound_id, coalesce(u.display_name, c.who) AS who, c.because"
            "  FROM cancellations c LEFT JOIN users u ON u.id = c.who WHERE c.session_id = ? AND c.epoch = ?",
            (session, epoch),
        )
    }
    for row in select(
        conn,
        InboundRow,
        "SELECT i.* FROM cancellations c JOIN inbound i ON i.id = c.inbound_id"
        " WHERE c.session_id = ? AND c.epoch = ? AND i.status = 'pending' ORDER BY i.seq",
        (session, epoch),
    ):
        words = said[row.id]
        inbound.settle(conn, row.id, error=None, note=words, now=now)
        lanes |= notices.message_cancelled(conn, row, words, now=now)
    return lanes


def _rows_of(conn: Connection, session: SessionId, epoch: EpochNumber, now: datetime) -> Sequence[InboundId]:
    """What the sandbox of *epoch* is at; if that is nothing, what it is being shown."""
    for which in ("claimed_epoch = :epoch", "claimed_epoch IS NULL AND coalesce(process_after <= :now, 1)"):
        rows = fetch(
            conn,
            "SELECT id FROM inbound WHERE session_id = :session AND status = 'pending' AND trigger = 1"  # noqa: S608 - our own texts
            f" AND coalesce(from_epoch, 0) <= :epoch AND {which} ORDER BY seq",
            {"session": session, "epoch": epoch, "now": write_time(now)},
        )
        if rows:
            return [InboundId(str(row["id"])) for row in rows]
    return []


def _name(conn: Connection, who: UserId) -> str:
    found = fetch_one(conn, "SELECT display_name FROM users WHERE id = ?", (who,))
    return who if found is None else str(found["display_name"])

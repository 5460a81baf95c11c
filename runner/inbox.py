"""inbound.db: what the host tells. Opened once, read-only; every cursor is drained at once, so no lock is kept.

Reads are made on the loop: they take tens of microseconds, less than the way to a thread and back. The host writes in
place, so a read may meet its lock; the host's commits are short and worth waiting out in small steps.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import trio
from attrs import define

from schema import sqlite
from schema.rows import Delivered, Destination, MessageIn, Meta, Routing, select
from schema.sqlite import BusyError, Connection, ReadOnlyError, fetch, integer, scalar
from schema.times import read_time, write_time

T = TypeVar("T")

BUSY_PAUSE = 0.000_2
BUSY_TRIES = 500
AGAIN_SECONDS = 0.02
ORPHANED_SECONDS = 0.1
"""Between two looks at what a host has left half written: the next host is some time away."""


@define(eq=False)
class Inbox:
    """An open inbound.db."""

    _conn: Connection

    def __attrs_post_init__(self) -> None:
        # SQLite's own waiting begins with a whole millisecond, and the lock we meet is about to be let go of: the
        # event that wakes us is the deletion of the journal, just before.
        self._conn.set_busy_handler(_wait_shortly)

    @classmethod
    def open(cls, path: Path) -> Inbox:
        """Open the file. Raises `SqliteError` if it is not there."""
        return cls(sqlite.open_read_only(path))

    def pending(self, now: datetime, *, first_look: bool) -> list[MessageIn]:
        """The rows that are due, oldest first, claimed or not.

        Rows for a fresh sandbox (`on_wake`) only if this is the *first_look* of its life.
        """
        return select(
            self._conn,
            MessageIn,
            """
            SELECT *
              FROM messages_in
             WHERE status = 'pending'
               AND (process_after IS NULL OR process_after <= :now)
               AND (on_wake = 0 OR :first_look)
             ORDER BY seq
            """,
            {"now": write_time(now), "first_look": int(first_look)},
        )

    def next_due(self, now: datetime) -> datetime | None:
        """When the next row that waits for its time is due; None if there is none."""
        found = scalar(
            self._conn,
            "SELECT min(process_after) FROM messages_in WHERE status = 'pending' AND process_after > :now",
            {"now": write_time(now)},
        )
        return read_time(found) if isinstance(found, str) else None

    def settled(self, ids: Collection[str]) -> frozenset[str]:
        """Those of *ids* that the host has settled: they are no longer pending, or no longer shown at all."""
        rows = fetch(
            self._conn,
            "SELECT id FROM messages_in WHERE status = 'pending' AND id IN (SELECT value FROM json_each(:ids))",
            {"ids": json.dumps(list(ids))},
        )
        return frozenset(ids) - {row["id"] for row in rows}

    def delivered(self, ids: Collection[str]) -> frozenset[str]:
        """Those of *ids*, of our own messages, whose delivery has ended one way or the other."""
        rows = fetch(
            self._conn,
            "SELECT message_out_id FROM delivered WHERE message_out_id IN (SELECT value FROM json_each(:ids))",
            {"ids": json.dumps(list(ids))},
        )
        return frozenset(str(row["message_out_id"]) for row in rows)

    def message(self, message_id: str) -> MessageIn | None:
        """The message of that id, if it is shown."""
        found = select(self._conn, MessageIn, "SELECT * FROM messages_in WHERE id = ?", (message_id,))
        return found[0] if found else None

    def numbered(self, seq: int) -> MessageIn | Delivered | None:
        """The message of that number, as far as it is shown: one that came, or one that went and how that ended."""
        came = select(self._conn, MessageIn, "SELECT * FROM messages_in WHERE seq = ?", (seq,))
        went = select(self._conn, Delivered, "SELECT * FROM delivered WHERE seq = ?", (seq,))
        found: list[MessageIn | Delivered] = [*came, *went]
        return found[0] if found else None

    def destinations(self) -> list[Destination]:
        """Who the agent may write to, at this moment: rights change in mid-turn, so the answer is never kept."""
        return select(self._conn, Destination, "SELECT * FROM destinations ORDER BY name")

    def routing(self) -> Routing:
        """Where a message goes that answers nothing and names nobody."""
        (found,) = select(self._conn, Routing, "SELECT channel_type, platform_id, thread_id FROM session_routing")
        return found

    def meta(self) -> Meta:
        """What this epoch starts from."""
        (found,) = select(self._conn, Meta, "SELECT epoch, seq_floor, provider_state, timezone FROM meta")
        return found

    def highest_seq(self) -> int:
        """The highest number the host has given or knows of, as far as it is shown."""
        return integer(
            self._conn,
            "SELECT max((SELECT seq_floor FROM meta), (SELECT ifnull(max(seq), 0) FROM messages_in))",
        )

    def version(self) -> int:
        """A number that changes when the host commits."""
        return sqlite.data_version(self._conn)

    def close(self) -> None:
        """Let go of the file. May be repeated."""
        self._conn.close()


async def patiently(read: Callable[[], T]) -> T:
    """Call *read*, and again after a pause for as long as the host keeps the file locked.

    Also where the host has died in the middle of a commit: only the next one can undo that, and as long as there is
    none nothing new comes anyway.

    Cancellation: a checkpoint, between two tries.
    """
    while True:
        await trio.lowlevel.checkpoint()
        try:
            return read()
        except BusyError:
            await trio.sleep(AGAIN_SECONDS)
        except ReadOnlyError:
            await trio.sleep(ORPHANED_SECONDS)


def _wait_shortly(tries: int) -> bool:
    if tries >= BUSY_TRIES:
        return False
    time.sleep(BUSY_PAUSE)
    return True

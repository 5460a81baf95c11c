"""Writes in/inbound.db: the host's only writer of it, one object a live epoch. The file is open only while it is used.

The file is a projection: it is made anew for every epoch and can be lost at any moment without losing a message,
hence `synchronous=OFF`. The files that a message names are there before the message is. It is written in place, so a
sandbox that holds a read lock makes a write wait; after `schema.sqlite.BUSY_TIMEOUT_MS` that write raises `BusyError`
and whoever owns the sandbox ends it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from attrs import define

from nanoclaw.core.crowds import CONTEXT_STEP, MOST_CONTEXT
from nanoclaw.link.inbox import Inbox
from nanoclaw.model.files import Attachment
from nanoclaw.model.ids import EventId
from schema import sqlite
from schema.files import inbound_ddl
from schema.rows import Delivered, Destination, MessageIn, Meta, Routing, bindings, insert_sql
from schema.sqlite import Connection, Journal, Synchronous

MESSAGE_SQL = insert_sql("messages_in", MessageIn, replace=True)
# By the runner's own id where an epoch's rows are shown again, hence the upsert.
DELIVERED_SQL = insert_sql("delivered", Delivered, replace=True)
DESTINATION_SQL = insert_sql("destinations", Destination)
META_SQL = insert_sql("meta", Meta, single=True)
# As in the truth, where the oldest context has made room meanwhile.
_CONTEXT = "trigger = 0 AND status = 'pending' AND kind = 'chat'"
_MAKE_ROOM = (
    f"DELETE FROM messages_in WHERE {_CONTEXT} AND seq <="  # noqa: S608 - our own words
    f" (SELECT seq FROM messages_in WHERE {_CONTEXT} ORDER BY seq DESC LIMIT 1 OFFSET ?)"
)
ROUTING_SQL = insert_sql("session_routing", Routing, single=True)


class Changes(Protocol):
    """Rows to show; the later of two with one id wins."""

    @property
    def messages(self) -> tuple[MessageIn, ...]: ...

    @property
    def delivered(self) -> tuple[Delivered, ...]: ...

    @property
    def destinations(self) -> tuple[Destination, ...] | None:
        """All of them, if they have changed."""
        ...

    @property
    def files(self) -> tuple[Attachment, ...]:
        """What came with the messages."""
        ...

    @property
    def withdrawn(self) -> tuple[EventId, ...]:
        """What came with these is no longer to be seen."""
        ...


class Whole(Protocol):
    """All that a new link holds."""

    @property
    def changes(self) -> Changes: ...

    @property
    def meta(self) -> Meta: ...

    @property
    def routing(self) -> Routing: ...


@define(eq=False)
class InboundFile:
    """An open inbound.db. Every method blocks for as long as the disk, or a sandbox's lock, likes: call in a thread."""

    _path: Path
    _inbox: Inbox
    _conn: Connection | None

    @classmethod
    def make(cls, path: Path, whole: Whole, inbox: Inbox) -> InboundFile:
        """Replace *path* by a new file that holds *whole*, and *inbox* by one with its files.

        Only while no sandbox runs. Raises `OSError` and `SqliteError`.
        """
        inbox.rebuild(whole.changes.files)
        for suffix in ("", "-journal", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        conn = sqlite.open_read_write(path, Journal.DELETE, Synchronous.OFF)
        file = cls(path, inbox, conn)
        try:
            with sqlite.transaction(conn):
                sqlite.execute(conn, inbound_ddl())
                _write_changes(conn, whole.changes)
                sqlite.execute(conn, META_SQL, bindings(whole.meta))
                sqlite.execute(conn, ROUTING_SQL, bindings(whole.routing))
            # A sandbox may run as somebody else; the journal takes over these rights.
            path.chmod(0o644)
        finally:
            file.close()
        return file

    @classmethod
    def open(cls, path: Path, inbox: Inbox) -> InboundFile:
        """Open the file that a dead host left, as far as that came, for the sandbox that goes on reading it.

        Raises:
          SqliteError: it is not there, or is no database.
        """
        conn = sqlite.open_read_write(path, Journal.DELETE, Synchronous.OFF)
        try:
            sqlite.integer(conn, "SELECT count(*) FROM meta")
        finally:
            conn.close()
        return cls(path, inbox, None)

    def write(self, changes: Changes) -> None:
        """Show *changes*. Raises `BusyError` when the sandbox will not let go of the file."""
        self._inbox.place(changes.files)
        conn = self._opened()
        with sqlite.transaction(conn):
            _write_changes(conn, changes)
        self._inbox.remove(changes.withdrawn)

    def write_at_once(self, changes: Changes) -> bool:
        """Show *changes* without waiting; says whether it could. Only a sandbox's lock can be in the way."""
        conn = self._opened()
        conn.set_busy_timeout(0)
        try:
            self.write(changes)
        except sqlite.BusyError:
            return False
        finally:
            conn.set_busy_timeout(sqlite.BUSY_TIMEOUT_MS)
        return True

    def close(self) -> None:
        """Let go of the file, which takes 200 KB of memory while it is open; a write opens it anew. May be repeated."""
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()

    def _opened(self) -> Connection:
        if self._conn is None:
            self._conn = sqlite.open_read_write(self._path, Journal.DELETE, Synchronous.OFF)
        return self._conn


def _write_changes(conn: Connection, changes: Changes) -> None:
    for message in changes.messages:
        sqlite.execute(conn, MESSAGE_SQL, bindings(message))
    if any(not message.trigger for message in changes.messages):
        sqlite.execute(conn, _MAKE_ROOM, (MOST_CONTEXT + CONTEXT_STEP,))
    for delivered in changes.delivered:
        sqlite.execute(conn, DELIVERED_SQL, bindings(delivered))
    if changes.destinations is not None:
        sqlite.execute(conn, "DELETE FROM destinations")
        for destination in changes.destinations:
            sqlite.execute(conn, DESTINATION_SQL, bindings(destination))

"""The one writer of the central database: a batch of calls goes in, one commit is made, every call gets an outcome.

Synchronous and without threads: `db.Database` runs it on a thread of its own, tests run it as it is.

What holds, whatever the disk does:
- An outcome `Done` is given only after a commit that SQLite reported as durable.
- A call that raises is undone alone; the others of its batch are committed.
- Once a sync, a write or a page failed, nothing more is written on this connection. After a failed sync the system
  may drop the very bytes it could not write and call the next sync a success, so trying again would be a lie.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, final

from attrs import frozen

from nanoclaw.errors import StoreBrokenError, StoreError, StoreFullError
from schema.sqlite import (
    BusyError,
    Connection,
    ConstraintError,
    CorruptError,
    DiskError,
    DiskFullError,
    NotADatabaseError,
    SqliteError,
    checkpoint,
    execute,
    keep_wal_on_close,
)

CHECKPOINT_PAGES = 1000
"""Pages in the write-ahead log from which on it is moved into the database (4 MiB, as SQLite does by itself)."""

BREAKING = (DiskError, CorruptError, NotADatabaseError)
"""Whoever meets one of these cannot know what is on the disk."""

Call: TypeAlias = Callable[[Connection], object]


@frozen
class Done:
    """The call's transaction is durable; this is what the call returned."""

    value: object


@frozen
class Failed:
    """Nothing of the call's transaction happened, except where the error is a `StoreBrokenError`: who knows."""

    error: BaseException


Outcome: TypeAlias = Done | Failed


@final
class Writer:
    """Owns the writing connection. For one thread at a time."""

    def __init__(self, conn: Connection, *, checkpoint_pages: int = CHECKPOINT_PAGES) -> None:
        self.conn = conn
        self.batches = 0
        self.transactions = 0
        self.largest_batch = 0
        self._checkpoint_pages = checkpoint_pages
        self._wal_pages = 0
        self._broken_by: BaseException | None = None
        # Instead of SQLite's automatic checkpoint, which comes before the callers are answered and hides its errors.
        conn.set_wal_hook(self._note_wal_pages)

    @property
    def broken(self) -> StoreBrokenError | None:
        """Why this writer writes no more; None while it does. A new error each time, for its own traceback."""
        return None if self._broken_by is None else _broken(self._broken_by)

    def run(self, calls: Sequence[Call]) -> list[Outcome]:
        """Run *calls* in their order as one transaction and commit it.

        Returns:
          An outcome for each call. `Failed` carries what the call itself raised, or `StoreFullError` (no space;
          trying later can help), `StoreBrokenError` (now and for ever) or `StoreError` (another call, or another
          program, was in the way; trying again can help).
        """
        if self._broken_by is not None:
            return _all_failed(calls, _broken, self._broken_by)
        self.batches += 1
        self.transactions += len(calls)
        self.largest_batch = max(self.largest_batch, len(calls))
        try:
            execute(self.conn, "BEGIN IMMEDIATE")
            outcomes = [self._in_savepoint(place, call) for place, call in enumerate(calls)]
            execute(self.conn, "COMMIT")
        except _TookAllDownError as took:
            return self._undo(calls, took.cause, culprit=took.place)
        except BaseException as exc:  # whatever it is, every caller is told
            return self._undo(calls, exc, culprit=None)
        return outcomes

    def checkpoint_if_long(self) -> None:
        """Shorten the write-ahead log once it is long. Call it when nobody waits for an answer."""
        if self._broken_by is not None or self._wal_pages < self._checkpoint_pages:
            return
        self._wal_pages = 0
        try:
            checkpoint(self.conn)
        except (DiskFullError, BusyError):
            pass  # The log keeps everything; the next commit asks again.
        except SqliteError as exc:
            self._broken_by = exc

    def close(self) -> None:
        """Close the connection. The write-ahead log goes into the database, unless the disk has failed."""
        if self._broken_by is not None:
            keep_wal_on_close(self.conn)
        self.conn.close()

    def _in_savepoint(self, place: int, call: Call) -> Outcome:
        """Run one call. Raises `_TookAllDownError` if the transaction did not survive it."""
        execute(self.conn, "SAVEPOINT one_call")
        try:
            value = call(self.conn)
        except BaseException as exc:
            if isinstance(exc, BREAKING) or not self.conn.in_transaction:
                raise _TookAllDownError(place, exc) from exc
            execute(self.conn, "ROLLBACK TO one_call")
            execute(self.conn, "RELEASE one_call")
            return Failed(_full(exc) if isinstance(exc, DiskFullError) else exc)
        if not self.conn.in_transaction:
            raise _TookAllDownError(place, RuntimeError(f"{call!r} ended the transaction it was called in"))
        execute(self.conn, "RELEASE one_call")
        return Done(value)

    def _undo(self, calls: Sequence[Call], exc: BaseException, *, culprit: int | None) -> list[Outcome]:
        """Nothing of this batch happened, as far as can be known: decide what that means, and tell everyone."""
        # At a commit, two errors say that nothing was written yet: somebody's cursor was left open, or a deferred
        # constraint does not hold. Any other may have come from a sync.
        harmless = culprit is not None or isinstance(exc, (BusyError, ConstraintError, DiskFullError))
        if isinstance(exc, BREAKING) or not harmless or not self._rolled_back():
            self._broken_by = exc
            return _all_failed(calls, _broken, exc)
        if isinstance(exc, DiskFullError):
            return _all_failed(calls, _full, exc)
        outcomes = _all_failed(calls, _in_the_way, exc)
        if culprit is not None:
            outcomes[culprit] = Failed(exc)
        return outcomes

    def _rolled_back(self) -> bool:
        """Leave the transaction, if SQLite has not done so already. False if even that fails."""
        try:
            if self.conn.in_transaction:
                execute(self.conn, "ROLLBACK")
        except SqliteError:
            return False
        return True

    def _note_wal_pages(self, _conn: Connection, _database: str, pages: int) -> int:
        self._wal_pages = pages
        return 0


class _TookAllDownError(Exception):
    """A call ended the whole batch's transaction. Never leaves this module."""

    def __init__(self, place: int, cause: BaseException) -> None:
        self.place = place
        self.cause = cause
        super().__init__(place)


def _all_failed(
    calls: Sequence[Call], make: Callable[[BaseException], StoreError], cause: BaseException
) -> list[Outcome]:
    # An exception for each: one instance raised in many tasks would collect all their tracebacks.
    return [Failed(make(cause)) for _ in calls]


def _broken(cause: BaseException) -> StoreBrokenError:
    error = StoreBrokenError(f"the disk failed under nanoclaw.db ({cause}): restart, and look at the disk")
    error.__cause__ = cause
    return error


def _full(cause: BaseException) -> StoreFullError:
    error = StoreFullError("there is no space left for nanoclaw.db: nothing was written")
    error.__cause__ = cause
    return error


def _in_the_way(cause: BaseException) -> StoreError:
    error = StoreError(f"nothing was written, something else was in the way: {cause}")
    error.__cause__ = cause
    return error

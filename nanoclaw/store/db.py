"""The central database, reached from Trio: transactions in groups on one thread, reads beside them.

A transaction is a plain function of a connection. Those that wait while the disk is busy with a commit share the
next one, so thirty-two senders cost about as many syncs as one. `writer.Writer` holds the rules; this file brings the
calls to its thread and the outcomes back.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast, final

import trio
from attrs import define, field, frozen

from nanoclaw.errors import StoreBrokenError, StoreError
from nanoclaw.store.opening import open_writer
from nanoclaw.store.readers import Readers
from nanoclaw.store.writer import Call, Done, Failed, Outcome, Writer
from schema.sqlite import Connection

P = ParamSpec("P")
T = TypeVar("T")

MOST_IN_BATCH = 256
READERS = 2
CLOSE_SECONDS = 5
"""How long closing waits for what was asked before; then it interrupts."""
INTERRUPTS = 20
INTERRUPT_SECONDS = 0.1


class Store(Protocol):
    """What actors need of the central database."""

    async def transact(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query(conn, *args, **kwargs)` as one transaction; see `Database.transact`."""
        ...

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query(conn, *args, **kwargs)` on one unchanging state; see `Database.read`."""
        ...


@frozen(kw_only=True)
class StoreStatistics:
    """What the writer has done since it was opened."""

    batches: int
    transactions: int
    largest_batch: int
    waiting: int
    """Transactions that were asked for and not begun."""


@define(eq=False)
class _Request:
    call: Call
    answered: trio.Event = field(factory=trio.Event)
    outcome: Outcome | None = None
    abandoned: bool = False
    """Set on the loop, read on the thread: if it comes too late, the transaction happens and nobody hears of it."""


@final
class Database:
    """The central database. Made by `open_database`."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self.broken = trio.Event()
        """Set once the disk has failed: nothing will be written any more."""
        self._writer = writer
        self._readers = readers
        self._closed = False
        self._ending = Lock()
        self._ended = False
        self._queue: SimpleQueue[_Request | None] = SimpleQueue()
        self._token = trio.lowlevel.current_trio_token()
        self._thread = Thread(target=self._write, name="store-writer")
        self._thread.start()

    async def transact(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query(conn, *args, **kwargs)` as one transaction, on the writer's thread, in the order of asking.

        Returns:
          What *query* returned, after the commit is durable.

        Raises:
          StoreFullError: No space; nothing was written, trying again can help.
          StoreBrokenError: The disk failed; nothing will be written any more. Whether this transaction is on the
            disk will be seen after a restart.
          StoreError: Another program, or another transaction, was in the way; nothing was written.
          trio.ClosedResourceError: The database was closed before.
          Whatever *query* raised, after it was undone. Others that share its commit are not harmed.

        Cancellation: a checkpoint. The transaction happens whole or not at all, and the cancelled caller cannot
        tell which: write queries that are safe to repeat.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        self._require_open()
        request = _Request(lambda conn: query(conn, *args, **kwargs))
        self._queue.put(request)
        try:
            await request.answered.wait()
        finally:
            request.abandoned = True
        if isinstance(request.outcome, Failed):
            raise request.outcome.error
        return cast("T", cast("Done", request.outcome).value)

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query(conn, *args, **kwargs)` on a connection that cannot write; all it sees is of one moment.

        It sees every transaction that was answered before the read began.

        Raises:
          trio.ClosedResourceError: The database was closed before.
          Whatever *query* raised.

        Cancellation: a checkpoint until the read's turn has come; a read that has begun is waited for.
        """
        self._require_open()
        return await self._readers.run(lambda conn: query(conn, *args, **kwargs))

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Watch over the disk, for a supervisor. Ready at once; never returns.

        Raises:
          StoreBrokenError: The disk failed. Only another process may go on with this file.
        """
        task_status.started()
        await self.broken.wait()
        raise self._writer.broken or StoreBrokenError()

    def statistics(self) -> StoreStatistics:
        """What has been done, and what waits."""
        return StoreStatistics(
            batches=self._writer.batches,
            transactions=self._writer.transactions,
            largest_batch=self._writer.largest_batch,
            waiting=self._queue.qsize(),
        )

    async def aclose(self) -> None:
        """Finish what was asked, put everything into the one file, end the thread.

        Raises:
          StoreError: A query did not return, even when interrupted; its thread is still there.

        Cancellation: shielded, for seven seconds at most.
        """
        self._closed = True
        # The last connection to close moves the log into the file, and only the writer can.
        self._readers.close()
        self._queue.put(None)
        if await self._ended_within(CLOSE_SECONDS):
            return
        # More than once: an interrupt that comes between two statements meets nothing.
        for _ in range(INTERRUPTS):
            self._interrupt()
            if await self._ended_within(INTERRUPT_SECONDS):
                return
        raise StoreError("a query on the writer's thread does not return")

    def _interrupt(self) -> None:
        # SQLite does not allow it while the connection is being closed.
        with self._ending:
            if not self._ended:
                self._writer.conn.interrupt()

    async def _ended_within(self, seconds: float) -> bool:
        with trio.move_on_after(seconds, shield=True):
            # Its own limiter: closing must not wait until others free a thread.
            await trio.to_thread.run_sync(self._thread.join, abandon_on_cancel=True, limiter=trio.CapacityLimiter(1))
        return not self._thread.is_alive()

    def _require_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("the database is closed")

    def _write(self) -> None:
        """The thread: batch after batch, until told that there will be no more."""
        last = False
        try:
            while not last:
                batch, last = self._next_batch()
                if batch:
                    outcomes = self._writer.run([request.call for request in batch])
                    self._on_the_loop(self._answer, batch, outcomes)
                    self._writer.checkpoint_if_long()
                if self._writer.broken is not None:
                    self._on_the_loop(self.broken.set)
        finally:
            with self._ending:
                self._ended = True
            self._writer.close()

    def _next_batch(self) -> tuple[list[_Request], bool]:
        """Wait for a request, then take all that are there. The second value says whether these are the last."""
        batch: list[_Request] = []
        request = self._queue.get()
        while request is not None:
            if not request.abandoned:
                batch.append(request)
            if len(batch) == MOST_IN_BATCH:
                return batch, False
            try:
                request = self._queue.get_nowait()
            except Empty:
                return batch, False
        return batch, True

    def _on_the_loop(self, call: Callable[..., object], *args: object) -> None:
        # Where the loop is gone already, nobody is left to be told.
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(call, *args)

    @staticmethod
    def _answer(batch: Sequence[_Request], outcomes: Sequence[Outcome]) -> None:
        for request, outcome in zip(batch, outcomes, strict=True):
            request.outcome = outcome
            request.answered.set()


@asynccontextmanager
async def open_database(
    path: Path, *, vfs: str | None = None, migrations: Sequence[str] | None = None
) -> AsyncGenerator[Database]:
    """The central database for the length of the block.

    Args:
      path: Made if missing; its folder has to be there.
      vfs: Another way to the disk, for tests. It needs shared memory.
      migrations: Default: those of `schema/central`.

    Raises:
      StoreError, NewerStoreError, StoreFullError, OldSqliteError: See `opening.open_writer`.

    Cancellation: opening is waited for, however long its migrations take; closing is shielded, see `aclose`.
    """

    def opened() -> tuple[Writer, Readers]:
        writer = open_writer(path, vfs=vfs, migrations=migrations)
        try:
            return writer, Readers(path, count=READERS, vfs=vfs)
        except BaseException:
            writer.close()
            raise

    database = Database(*await trio.to_thread.run_sync(opened))
    try:
        yield database
    finally:
        await database.aclose()

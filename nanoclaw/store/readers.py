"""Reading the central database beside its writer: connections that cannot write, on threads of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, final

import trio

from schema.sqlite import Connection, open_read_only, snapshot

T = TypeVar("T")


@final
class Readers:
    """As many reads at a time as there are connections; the next one waits for its turn."""

    def __init__(self, path: Path, *, count: int, vfs: str | None = None) -> None:
        """Open *count* connections to the existing *path*. Blocks: call it off the loop."""
        self._idle: list[Connection] = []
        self._closed = False
        self._turns = trio.CapacityLimiter(count)
        for _ in range(count):
            self._idle.append(open_read_only(path, vfs=vfs))

    async def run(self, call: Callable[[Connection], T]) -> T:
        """Make *call* on a thread; all its statements see one state of the database.

        Cancellation: a checkpoint until the call's turn has come; then the call is waited for.
        """
        return await trio.to_thread.run_sync(self._run, call, limiter=self._turns)

    def close(self) -> None:
        """Close what is idle now; what is in use closes when its call returns."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _run(self, call: Callable[[Connection], T]) -> T:
        conn = self._idle.pop()
        try:
            with snapshot(conn):
                return call(conn)
        finally:
            self._idle.append(conn)
            if self._closed:
                self.close()

"""The way to a worker thread, as a port: what blocks is handed over here, and a simulation does it on the spot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar, TypeVarTuple

import trio
from attrs import frozen

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Threads(Protocol):
    """Where work is done that blocks: that touches files, above all."""

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Do `work(*arguments)` off the loop; returns or raises what it does.

        Cancellation: a checkpoint until the work's turn has come; work that has begun is waited for.
        """
        ...


@frozen
class WorkerThreads:
    """Trio's worker threads: all there may be, or as many at once as a limiter of one's own lets through."""

    limiter: trio.CapacityLimiter | None = None

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """See `Threads.run`."""
        return await trio.to_thread.run_sync(work, *arguments, limiter=self.limiter)


WORKER_THREADS = WorkerThreads()

"""Customs: whatever comes out of a sandbox is read by a worker process that can be lost without loss.

A small pool. A worker takes one file at a time and is the only thing that ever parses it; one that dies, hangs, talks
nonsense, or has read a file that had to be quarantined is killed and replaced, for it may no longer be what it was.
Workers share nothing but the program, so one session's file costs other sessions a wait at most.
"""

from __future__ import annotations

from typing import Final

import structlog
import trio
from attrs import define, field

from nanoclaw.link import wire
from nanoclaw.link.answer import decode
from nanoclaw.link.fields import FieldError
from nanoclaw.link.report import Inspected, Quarantine, Report
from nanoclaw.link.snapshot import Snapshot
from nanoclaw.link.workers import GoneError, Programs, Worker, WorkerSource

log = structlog.get_logger()

MOST_TRIES: Final = 3
"""Workers that may be gone before they have a file whole, until that counts as the file's doing."""
_SMALL = 64 << 10
"""Bytes: what is smaller is copied or parsed on the spot."""


@define(eq=False)
class Customs:
    """Reads outboxes in disposable processes.

    Args:
      size: How many workers are kept at hand.
      deadline: Seconds a worker has for one file.
      source: Where they come from.
    """

    size: int = 2
    deadline: float = 2.0
    source: WorkerSource = field(factory=Programs)
    replaced: int = field(default=0, init=False)
    """Workers that had to be replaced so far."""
    _free: tuple[trio.MemorySendChannel[Worker], trio.MemoryReceiveChannel[Worker]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make the queue in which free workers wait; those dismissed meanwhile are found out when they are taken."""
        self._free = trio.open_memory_channel[Worker](float("inf"))

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the workers at hand until cancelled. Ready when all of them are.

        Raises:
          WorkerStartError: inside an `ExceptionGroup`; a worker did not come up.

        Cancellation: all workers are killed and waited for.
        """
        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as starting:
                for _ in range(self.size):
                    starting.start_soon(nursery.start, self._keep)
            task_status.started()

    async def inspect(self, snapshot: Snapshot, *, after: int) -> Inspected:
        """Have a worker read *snapshot*; what it says is checked once more here.

        In: *after*, the highest rowid of messages_out seen before, 0 for none.
        Waits for a free worker for as long as that takes, then at most `deadline`. A worker that is gone before it had
        the file whole was not this file's doing: another one is asked.

        Cancellation: the worker that was asked is replaced. Nothing else is lost.
        """
        for _ in range(MOST_TRIES):
            worker = await self._free[1].receive()
            while worker.dismissed:
                worker = await self._free[1].receive()
            verdict = await self._ask(worker, snapshot, after)
            if verdict is not None:
                return verdict
        return Quarantine(reason="worker-died", detail=f"{MOST_TRIES} workers ended before they had all of it")

    async def _ask(self, worker: Worker, snapshot: Snapshot, after: int) -> Inspected | None:
        """Ask one worker; None if it was gone before."""
        verdict: Inspected = Quarantine(reason="deadline", detail=f"not read within {self.deadline:g} s")
        try:
            with trio.move_on_after(self.deadline) as scope:
                answer = await worker.ask(wire.request(snapshot.db, snapshot.journal, after))
            if not scope.cancelled_caught:
                verdict = await _decode(answer, after)
        except GoneError as gone:
            if worker.dismissed or not gone.had_it_all:
                return None
            verdict = Quarantine(reason="worker-died", detail="the worker that read it ended")
        except FieldError as exc:
            verdict = Quarantine(reason="nonsense", detail=f"the worker that read it said: {exc}")
        finally:
            # After anything but a clean file it may no longer be what it was.
            if isinstance(verdict, Report):
                self._free[0].send_nowait(worker)
            else:
                worker.spent.set()
        return verdict

    async def _keep(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Keep one worker at hand; when it is spent, another."""
        async with self.source.worker() as worker:
            self._free[0].send_nowait(worker)
            task_status.started()
            await worker.spent.wait()
        while True:
            self.replaced += 1
            log.info("customs_worker_replaced", total=self.replaced)
            async with self.source.worker() as worker:
                self._free[0].send_nowait(worker)
                await worker.spent.wait()


async def _decode(answer: bytes, after: int) -> Inspected:
    """What *answer* says. Raises `FieldError` if it says nothing."""
    if len(answer) > _SMALL:
        return await trio.to_thread.run_sync(decode, answer, after)
    await trio.lowlevel.checkpoint()
    return decode(answer, after)

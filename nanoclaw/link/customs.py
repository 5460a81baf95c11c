"""Customs: whatever comes out of a sandbox is read by a worker process that can be lost without loss.

A small pool. A worker takes one file at a time and is the only thing that ever parses it; one that dies, hangs, talks
nonsense, or has read a file that had to be quarantined is killed and replaced, for it may no longer be what it was.
Workers share nothing but the program, so one session's file costs other sessions a wait at most.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Final

import structlog
import trio
from attrs import define, field

from nanoclaw.link import wire
from nanoclaw.link.answer import decode
from nanoclaw.link.fields import FieldError
from nanoclaw.link.report import Inspected, Quarantine, Report
from nanoclaw.link.snapshot import Snapshot

log = structlog.get_logger()

READY_SECONDS: Final = 30.0
"""How long a worker may take to import what it needs."""
KILL_SECONDS: Final = 5.0
MOST_TRIES: Final = 3
"""Workers that may be gone before they have a file whole, until that counts as the file's doing."""
_SMALL = 64 << 10
"""Bytes: what is smaller is copied or parsed on the spot."""
COMMAND: Final = (sys.executable, "-I", "-m", "nanoclaw.link.worker")


class WorkerStartError(Exception):
    """A worker did not come up: the program, or this machine, is broken. `str()` says how to see why."""


@define(eq=False)
class Customs:
    """Reads outboxes in disposable processes.

    Args:
      size: How many workers are kept at hand.
      deadline: Seconds a worker has for one file.
      command: The worker program, which speaks as `wire` says.
    """

    size: int = 2
    deadline: float = 2.0
    command: tuple[str, ...] = COMMAND
    replaced: int = field(default=0, init=False)
    """Workers that had to be replaced so far."""
    _free: tuple[trio.MemorySendChannel[_Worker], trio.MemoryReceiveChannel[_Worker]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make the queue in which free workers wait; those dismissed meanwhile are found out when they are taken."""
        self._free = trio.open_memory_channel[_Worker](float("inf"))

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

    async def _ask(self, worker: _Worker, snapshot: Snapshot, after: int) -> Inspected | None:
        """Ask one worker; None if it was gone before."""
        verdict: Inspected = Quarantine(reason="deadline", detail=f"not read within {self.deadline:g} s")
        try:
            with trio.move_on_after(self.deadline) as scope:
                answer = await worker.ask(wire.request(snapshot.db, snapshot.journal, after))
            if not scope.cancelled_caught:
                verdict = await _decode(answer, after)
        except _GoneError as gone:
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
        async with _worker(self.command) as worker:
            self._free[0].send_nowait(worker)
            task_status.started()
            await worker.spent.wait()
        while True:
            self.replaced += 1
            log.info("customs_worker_replaced", total=self.replaced)
            async with _worker(self.command) as worker:
                self._free[0].send_nowait(worker)
                await worker.spent.wait()


class _GoneError(Exception):
    """The worker's end of a pipe is closed. `had_it_all`: it had said that it has the whole request."""

    def __init__(self, *, had_it_all: bool) -> None:
        super().__init__(had_it_all)
        self.had_it_all = had_it_all


@define(eq=False)
class _Worker:
    """One worker process, and what is known of it."""

    _requests: trio.abc.SendStream
    _answers: trio.abc.ReceiveStream
    spent: trio.Event = field(factory=trio.Event, init=False)
    """It is not to be asked again."""
    dismissed: bool = field(default=False, init=False)
    """It was ended although it was not spent: customs is closing."""

    async def hello(self) -> list[str]:
        """Wait until it is ready; what it could give up."""
        given_up: list[str] = json.loads(await self._frame(bytearray()))
        return given_up

    async def ask(self, request: Iterable[bytes]) -> bytes:
        """Its answer to *request*. Raises `_GoneError`, or `FieldError` for what is no answer."""
        for part in request:
            try:
                await self._requests.send_all(part)
            except trio.BrokenResourceError:
                raise _GoneError(had_it_all=False) from None
        taken = await self._some(had_it_all=False)
        if taken[:1] != wire.TAKEN:
            raise FieldError("not an answer")
        return await self._frame(taken[1:])

    async def _frame(self, buffer: bytearray) -> bytes:
        """The one frame that is on its way, of which *buffer* has come."""
        while len(buffer) < wire.LENGTH.size:
            buffer += await self._some()
        (size,) = wire.LENGTH.unpack_from(buffer)
        end = wire.LENGTH.size + size
        while len(buffer) < end <= wire.MOST_ANSWER_BYTES:
            buffer += await self._some()
        if len(buffer) != end:
            raise FieldError("not one answer")
        return bytes(buffer[wire.LENGTH.size :])

    async def _some(self, *, had_it_all: bool = True) -> bytearray:
        data = await self._answers.receive_some()
        if not data:
            raise _GoneError(had_it_all=had_it_all)
        return bytearray(data)


@asynccontextmanager
async def _worker(command: tuple[str, ...]) -> AsyncGenerator[_Worker]:
    """A worker that is ready; it is dead and waited for at the end of the block."""
    process = await trio.lowlevel.open_process(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        # A Ctrl-C is meant for the host, which still has files to read then.
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    worker = _Worker(process.stdin, process.stdout)
    try:
        try:
            with trio.fail_after(READY_SECONDS):
                given_up = await worker.hello()
        except (_GoneError, FieldError, ValueError, trio.TooSlowError) as exc:
            raise WorkerStartError(f"try `{' '.join(command)}`: it should wait for its input") from exc
        log.debug("customs_worker_ready", given_up=given_up)
        yield worker
    finally:
        worker.dismissed = not worker.spent.is_set()
        process.kill()
        with trio.move_on_after(KILL_SECONDS, shield=True):
            await process.wait()
            await process.stdin.aclose()
            await process.stdout.aclose()


async def _decode(answer: bytes, after: int) -> Inspected:
    """What *answer* says. Raises `FieldError` if it says nothing."""
    if len(answer) > _SMALL:
        return await trio.to_thread.run_sync(decode, answer, after)
    await trio.lowlevel.checkpoint()
    return decode(answer, after)

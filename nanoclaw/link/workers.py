"""Worker processes of customs: how one is had, asked and ended."""

from __future__ import annotations

import array
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Final, Protocol

import structlog
import trio
from attrs import define, field, frozen

from nanoclaw.link import wire
from nanoclaw.link.fields import FieldError

log = structlog.get_logger()

READY_SECONDS: Final = 30.0
"""How long a worker may take to import what it needs."""
KILL_SECONDS: Final = 5.0
COMMAND: Final = (sys.executable, "-I", "-m", "nanoclaw.link.worker")
TEMPLATE: Final = (sys.executable, "-I", "-m", "nanoclaw.link.worker_template")


class WorkerStartError(Exception):
    """A worker did not come up: the program, or this machine, is broken. `str()` says how to see why."""


class GoneError(Exception):
    """The worker's end of a pipe is closed. `had_it_all`: it had said that it has the whole request."""

    def __init__(self, *, had_it_all: bool) -> None:
        super().__init__(had_it_all)
        self.had_it_all = had_it_all


@define(eq=False)
class Worker:
    """One worker process, and what is known of it."""

    _requests: trio.abc.SendStream
    _answers: trio.abc.ReceiveStream
    spent: trio.Event = field(factory=trio.Event, init=False)
    """It is not to be asked again."""
    dismissed: bool = field(default=False, init=False)
    """It was ended although it was not spent: customs is closing."""

    async def hello(self, command: Iterable[str]) -> int:
        """Wait until it is ready; the number of its process. Raises `WorkerStartError`, naming *command*."""
        try:
            with trio.fail_after(READY_SECONDS):
                hello = json.loads(await self._frame(bytearray()))
                log.debug("customs_worker_ready", given_up=hello["given_up"])
                return int(hello["process"])
        except (GoneError, FieldError, ValueError, LookupError, TypeError, trio.TooSlowError) as exc:
            raise WorkerStartError(f"try `{' '.join(command)}`: it should wait for its input") from exc

    async def ask(self, request: Iterable[bytes]) -> bytes:
        """Its answer to *request*. Raises `GoneError`, or `FieldError` for what is no answer."""
        for part in request:
            try:
                await self._requests.send_all(part)
            except trio.BrokenResourceError:
                raise GoneError(had_it_all=False) from None
        taken = await self._some(had_it_all=False)
        if taken[:1] != wire.TAKEN:
            raise FieldError("not an answer")
        return await self._frame(taken[1:])

    async def gone(self) -> None:
        """Wait until it is, whatever it says meanwhile; it has been killed."""
        while await self._answers.receive_some():
            pass

    async def close(self) -> None:
        """Close both pipes."""
        await self._requests.aclose()
        await self._answers.aclose()

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
            raise GoneError(had_it_all=had_it_all)
        return bytearray(data)


class WorkerSource(Protocol):
    """Where workers come from."""

    def worker(self) -> AbstractAsyncContextManager[Worker]:
        """A worker that is ready; it is gone at the end of the block.

        Raises:
          WorkerStartError: it did not come up.
        """
        ...


@frozen
class Programs:
    """Each worker is a program of its own, started anew."""

    command: tuple[str, ...] = COMMAND

    @asynccontextmanager
    async def worker(self) -> AsyncGenerator[Worker]:
        """As `WorkerSource.worker` says."""
        process = await trio.lowlevel.open_process(
            self.command,
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
        worker = Worker(process.stdin, process.stdout)
        try:
            await worker.hello(self.command)
            yield worker
        finally:
            worker.dismissed = not worker.spent.is_set()
            process.kill()
            with trio.move_on_after(KILL_SECONDS, shield=True):
                await process.wait()
                await worker.close()


@define(eq=False)
class Template:
    """All workers are forks of one process, which has everything ready."""

    command: tuple[str, ...] = TEMPLATE
    replaced: int = field(default=0, init=False)
    """Times that it had to be started again so far."""
    _line: trio.socket.SocketType | None = field(default=None, init=False)
    _up: trio.Event = field(factory=trio.Event, init=False)
    _ended: trio.Event = field(factory=trio.Event, init=False)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep a template at hand until cancelled; when it is gone, another. Ready when the first is.

        Raises:
          WorkerStartError: it did not come up.

        Cancellation: it is killed and waited for, and its workers are gone soon after.
        """
        async with self._started() as process:
            task_status.started()
            await process.wait()
        while True:
            self.replaced += 1
            log.warning("customs_template_replaced", total=self.replaced)
            async with self._started() as process:
                await process.wait()

    @asynccontextmanager
    async def worker(self) -> AsyncGenerator[Worker]:
        """As `WorkerSource.worker` says. `run` has to be running."""
        worker, number = await self._forked()
        try:
            yield worker
        finally:
            worker.dismissed = not worker.spent.is_set()
            with trio.move_on_after(KILL_SECONDS, shield=True):
                await self._order(wire.ORDER.pack(number, False))
                await worker.gone()
            await worker.close()

    async def _forked(self) -> tuple[Worker, int]:
        """A new worker, and the number of its process. A template that ends at that moment is waited out, once."""
        await self._up.wait()
        ended = self._ended
        try:
            return await self._fork()
        except WorkerStartError:
            with trio.move_on_after(KILL_SECONDS):
                await ended.wait()
        await self._up.wait()
        return await self._fork()

    async def _fork(self) -> tuple[Worker, int]:
        their_requests, requests = os.pipe()
        answers, their_answers = os.pipe()
        worker = Worker(trio.lowlevel.FdStream(requests), trio.lowlevel.FdStream(answers))
        try:
            try:
                await self._order(wire.ORDER.pack(0, True), their_requests, their_answers)
            finally:
                os.close(their_requests)
                os.close(their_answers)
            return worker, await worker.hello(self.command)
        except BaseException:
            # One that does start finds that nobody wants it.
            await worker.close()
            raise

    async def _order(self, order: bytes, *pipes: int) -> None:
        """Send one. To a template that is gone nothing can be said, and what it started is gone with it."""
        line = self._line
        if line is None:
            await trio.lowlevel.checkpoint()
            return
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", pipes))] if pipes else []
        with suppress(OSError):
            await line.sendmsg([order], rights)

    @asynccontextmanager
    async def _started(self) -> AsyncGenerator[trio.Process]:
        """A template that is ready, and the line to it; both are closed at the end of the block."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with trio.socket.from_stdlib_socket(ours) as line:
            with theirs:
                process = await trio.lowlevel.open_process(
                    self.command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={},
                    cwd="/",
                    start_new_session=True,
                )
            try:
                ready = b""
                with trio.move_on_after(READY_SECONDS):
                    ready = await line.recv(len(wire.READY))
                if ready != wire.READY:
                    raise WorkerStartError(f"try `{' '.join(self.command)}`: it should wait for its input")
                self._line = line
                self._up.set()
                yield process
            finally:
                self._ended.set()
                self._line, self._up, self._ended = None, trio.Event(), trio.Event()
                process.kill()
                with trio.move_on_after(KILL_SECONDS, shield=True):
                    await process.wait()

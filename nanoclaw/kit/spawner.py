"""Starts programs from one thread that lives as long as the host.

Linux ties "die with my parent" (PR_SET_PDEATHSIG) to the parent *thread*. Trio's worker threads end after some idle
seconds, and a program started from one would be killed with it, so whoever starts programs that are to die with the
host has a thread of this kind.
"""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import outcome
import trio
from attrs import define, field, frozen

Program = subprocess.Popen[bytes]


@frozen(kw_only=True)
class Command:
    """A program to start. Its standard output goes nowhere, its standard error into a pipe."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: Path | None = None
    parent_pipe: bool = False
    """Give it a standard input that ends when the host does."""
    stdin: int | None = None
    """A descriptor of ours to be its standard input instead; it stays ours to close."""


def start_program(command: Command) -> Program:
    """Start it, in a session of its own. Raises `OSError` if it cannot be executed."""
    otherwise = subprocess.PIPE if command.parent_pipe else subprocess.DEVNULL
    return subprocess.Popen(
        list(command.argv),
        env=dict(command.environment),
        cwd=command.directory,
        stdin=otherwise if command.stdin is None else command.stdin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        close_fds=True,
    )


@define(eq=False)
class Spawner:
    """One thread that starts programs, one after the other."""

    _start: Callable[[Command], Program] = start_program
    _orders: queue.SimpleQueue[Callable[[], None] | None] = field(factory=queue.SimpleQueue, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve for the length of the block, at whose end what was started and is to die with the thread does so."""
        self._thread = threading.Thread(target=self._serve, name="spawner", daemon=True)
        self._thread.start()
        try:
            yield
        finally:
            self._orders.put(None)
            self._thread = None

    async def spawn(self, command: Command) -> Program:
        """Start *command*. Raises `OSError` if it cannot be executed.

        Cancellation: a checkpoint; if it is cancelled after the program was started, the program is killed and reaped.
        """
        if self._thread is None:
            raise RuntimeError("the spawner is not running")
        token = trio.lowlevel.current_trio_token()
        done = trio.Event()
        results: list[outcome.Maybe[Program]] = []
        abandoned = False

        def order() -> None:
            result = outcome.capture(self._start, command)
            taken = queue.SimpleQueue[bool]()
            try:
                # What is said so is heard before the loop ends.
                token.run_sync_soon(report, result, taken)
                is_taken = taken.get()
            except trio.RunFinishedError:
                is_taken = False
            if not is_taken and isinstance(result, outcome.Value):
                # Here, where waiting holds up nobody, and before the thread ends: nobody else would reap it.
                _discard(result.value)

        def report(result: outcome.Maybe[Program], taken: queue.SimpleQueue[bool]) -> None:
            taken.put(not abandoned)
            results.append(result)
            done.set()

        self._orders.put(order)
        try:
            await done.wait()
        except trio.Cancelled:
            abandoned = True
            if results and isinstance(results[0], outcome.Value):
                # It was taken in the same moment.
                self._orders.put(partial(_discard, results[0].value))
            raise
        return results[0].unwrap()

    def _serve(self) -> None:
        while (order := self._orders.get()) is not None:
            order()


def _discard(program: Program) -> None:
    program.kill()
    program.wait()
    for stream in (program.stdin, program.stderr):
        if stream is not None:
            stream.close()

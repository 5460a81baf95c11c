"""One life of the gateway's process: started, heard, asked whether it goes round, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw.gateway.answers import Answers
from nanoclaw.gateway.frames import Alive, Beat, FrameError, Opened, Ready, ToGateway, read_for_host, write
from nanoclaw.gateway.gateway import Way
from nanoclaw.gateway.spending import Spent
from nanoclaw.kit.failures import one_line
from nanoclaw.kit.lines import BadFrameError
from nanoclaw.kit.openings import Opening
from nanoclaw.kit.pipe import Pipe
from nanoclaw.kit.spawner import Command, Program, Spawner
from nanoclaw.model.sandbox import MIB

COMMAND = (sys.executable, "-I", "-m", "nanoclaw.gateway.start")
"""And the process id of the host."""
READY_SECONDS = 30.0
"""For a new process to import what it needs."""
BEAT_SECONDS = 0.5
MOST_UNANSWERED = 4
"""Beats; counted and not timed, so that a host that was held up itself blames nobody."""
MOST_MEMORY = 512 * MIB
STOP_SECONDS = 2.0
"""For the process to end in good order."""
BURY_SECONDS = 5.0


@define(eq=False)
class Life:
    """A process that was started, and what is known of it."""

    program: Program
    pipe: Pipe
    memory: int = field(default=0, init=False)
    """Bytes, when it last said so."""
    connections: int = field(default=0, init=False)
    _why: str = field(default="", init=False)
    _ready: trio.Event = field(factory=trio.Event, init=False)
    _unanswered: int = field(default=0, init=False)

    @property
    def ready(self) -> bool:
        """Has it said that it is?"""
        return self._ready.is_set()

    def say(self, said: ToGateway) -> None:
        """Say something to it."""
        self.pipe.say(write(said))

    def hand_over(self, number: int, way: Way, opening: Opening) -> None:
        """Have it serve *way*."""
        limits = None if way.egress is None else way.egress.limits
        opened = Opened(
            way=number,
            session=way.session,
            endpoint=way.endpoint,
            proxied=way.proxy is not None,
            limits=limits,
            spent=Spent() if way.egress is None else way.egress.spending.so_far(),
            seal=opening.seal,
        )
        self.pipe.say(write(opened), [one.fileno() for one in opening.sockets])

    async def hear(self, answers: Answers) -> bool:
        """Hear it until it has ended, or says what none of ours would; says whether all was heard that it has said."""
        try:
            while (heard := await self.pipe.receive()) is not None:
                said, files = heard
                for file in files:
                    os.close(file)
                match read_for_host(said):
                    case Ready():
                        self._ready.set()
                    case Alive(memory=memory, connections=connections):
                        self.memory, self.connections, self._unanswered = memory, connections, 0
                    case asked:
                        answers.hear(asked)
        except (BadFrameError, FrameError) as exc:
            self._end(f"it made no sense: {exc}")
            return False
        return True

    async def watch(self) -> None:
        """End it when it is not ready in time, does not go round, or has grown too large. Until cancelled."""
        with trio.move_on_after(READY_SECONDS):
            await self._ready.wait()
        if not self._ready.is_set():
            self._end(f"it was not ready within {READY_SECONDS:g} s")
        while True:
            if self._unanswered >= MOST_UNANSWERED:
                self._end("it hung")
            elif self.memory > MOST_MEMORY:
                self._end(f"it had grown to {self.memory // MIB} MiB")
            self._unanswered += 1
            self.say(Beat())
            await trio.sleep(BEAT_SECONDS)

    async def bury(self) -> str:
        """Ask it to end, wait for `STOP_SECONDS`, kill it, and wait until it is gone; says why it ended.

        Cancellation: does not hold it up; it takes no longer than `STOP_SECONDS` and `BURY_SECONDS`.
        """
        self.pipe.end()
        try:
            gone = os.pidfd_open(self.program.pid)
        except OSError as exc:
            # Nothing is left to wait by. It is gone all the same, and whoever starts the next program reaps it.
            self._end(one_line(exc))
            self._close()
            return self._why
        try:
            with trio.move_on_after(STOP_SECONDS, shield=True):
                await trio.lowlevel.wait_readable(gone)
            self._kill()
            with trio.move_on_after(BURY_SECONDS, shield=True):
                await trio.lowlevel.wait_readable(gone)
                code = self.program.wait()
                self._why = self._why or _how(code)
        finally:
            os.close(gone)
            self._close()
        return self._why or "it does not die"

    def _close(self) -> None:
        self.pipe.close()
        if self.program.stderr is not None:
            self.program.stderr.close()

    def _end(self, why: str) -> None:
        self._why = self._why or why
        self._kill()

    def _kill(self) -> None:
        # Not through Popen, which would reap it to see whether it still lives.
        if self.program.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.program.pid, signal.SIGKILL)


async def start(spawner: Spawner) -> Life:
    """A new one. Raises `OSError`. Cancelled, it leaves nothing."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with theirs:
            command = Command(
                argv=(*COMMAND, str(os.getpid())),
                # Fewer heaps of malloc's own for the threads that look names up.
                environment={"MALLOC_ARENA_MAX": "2", **_whom_to_trust()},
                directory=Path("/"),
                stdin=theirs.fileno(),
            )
            return Life(await spawner.spawn(command), Pipe(ours))
    except BaseException:
        ours.close()
        raise


def _how(code: int) -> str:
    return f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"


def _whom_to_trust() -> dict[str, str]:
    """Where this machine's operator says that it keeps the certificates of whom it trusts, if that is said."""
    return {name: os.environ[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ}

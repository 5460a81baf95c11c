"""Sandboxes that are child processes of the host: what the bubblewrap and the process engine have in common."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Collection
from itertools import pairwise
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw.errors import SandboxError
from nanoclaw.kit.spawner import Command, Program, Spawner
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.sandbox import Owner
from nanoclaw.sandboxes.engine import Exit, LifeName
from nanoclaw.sandboxes.log import SandboxLog
from nanoclaw.sandboxes.resources import Resources, of_processes
from nanoclaw.sandboxes.runtime import Runtime

BURY_SECONDS = 5.0
LOOK_SECONDS = 0.01
PAUSE_SECONDS = 2.0
"""How long the processes of a sandbox are looked for while they are being paused: one may just have been forked."""


@define(eq=False)
class ChildSandbox:
    """A started child process and its standard error."""

    _engine: str
    _program: Program
    _wrapped: bool
    """Does the program run its runner behind two processes of its own (a monitor, and process 1 of a namespace)?"""
    _gone: Callable[[ChildSandbox], None]
    """Told when it has ended."""
    stderr: trio.abc.ReceiveStream = field(init=False)
    _pidfd: int = field(init=False)
    """Names the process even when its id is another's; open until the process is reaped."""
    _waiting: trio.Lock = field(factory=trio.Lock, init=False)
    """Only one task at a time may wait for a descriptor."""
    _exit: Exit | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._pidfd = os.pidfd_open(self._program.pid)
        pipe = self._program.stderr
        assert pipe is not None
        self.stderr = trio.lowlevel.FdStream(os.dup(pipe.fileno()))
        pipe.close()

    @property
    def pid(self) -> int:
        """The process id, on this machine."""
        return self._program.pid

    async def wait(self) -> Exit:
        """Wait for the end. A checkpoint; cancelling leaves the sandbox running."""
        async with self._waiting:
            if self._exit is None:
                await trio.lowlevel.wait_readable(self._pidfd)
            return self._reap()

    async def copy_log(self, log: SandboxLog) -> None:
        """Copy its standard error until nobody has it open any more."""
        async for chunk in self.stderr:
            await log.add(bytes(chunk))
        await log.end()

    def show_log(self) -> None:
        """It is copied as it is said."""

    async def pause(self) -> None:
        """SIGSTOP for every process in it."""
        with trio.move_on_after(PAUSE_SECONDS):
            while await trio.to_thread.run_sync(_signal_running, self._inside(), signal.SIGSTOP):  # noqa: ASYNC110 - of the kernel
                await trio.sleep(LOOK_SECONDS)
            return
        raise SandboxError(engine=self._engine, why="it starts processes faster than they can be paused")

    async def resume(self) -> None:
        """SIGCONT for every process in it."""
        await trio.lowlevel.checkpoint()
        self._continue()

    async def remove(self) -> None:
        """Let go of its standard error; there is nothing else left of it."""
        await trio.aclose_forcefully(self.stderr)

    async def stop(self, grace: float) -> Exit:
        """SIGTERM, *grace* seconds, SIGKILL, the end. Cancelled, it kills at once and waits shortly for the end."""
        self._ask()
        self._continue()
        try:
            with trio.move_on_after(grace):
                return await self.wait()
        finally:
            self.kill()
        with trio.move_on_after(BURY_SECONDS, shield=True):
            return await self.wait()
        raise SandboxError(engine=self._engine, why=f"process {self.pid} does not die")

    def measure(self) -> Resources:
        """See `Measured`."""
        return of_processes(_tree([self._program.pid]) if self._exit is None else [])

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        self._signal(signal.SIGKILL)

    def _ask(self) -> None:
        """SIGTERM for the runner itself: bubblewrap's own processes would not pass it on, but die of it."""
        if not self._wrapped:
            self._signal(signal.SIGTERM)
            return
        for runner in self._inside():
            with contextlib.suppress(ProcessLookupError):
                os.kill(runner, signal.SIGTERM)

    def _inside(self) -> list[int]:
        """The processes that are the agent's: under bubblewrap those below process 1 of its namespace."""
        if not self._wrapped:
            return [self._program.pid]
        return [pid for init in children_of(self._program.pid) for pid in children_of(init)]

    def _continue(self) -> None:
        for pid in _tree(self._inside()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _reap(self) -> Exit:
        """Collect the exit code of a process that has ended."""
        if self._exit is None:
            self._exit = Exit(code=self._program.wait())
            trio.lowlevel.notify_closing(self._pidfd)
            os.close(self._pidfd)
            self._gone(self)
            if self._program.stdin is not None:
                self._program.stdin.close()
        return self._exit

    def _signal(self, number: signal.Signals) -> None:
        # Not through Popen, which would reap the process behind our back to see whether it still lives.
        if self._exit is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)


def children_of(pid: int) -> list[int]:
    """The processes that process *pid* has started and that are not over yet; none if it has ended itself."""
    found: list[int] = []
    # Each child is listed with the thread that started it.
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError):  # it has just ended
            found += map(int, (thread / "children").read_text(encoding="ascii").split())
    return found


def _tree(roots: list[int]) -> list[int]:
    """*roots* and all their descendants, parents first."""
    found = list(roots)
    for pid in found:
        found += children_of(pid)
    return found


def _signal_running(roots: list[int], number: signal.Signals) -> bool:
    """Signal those of the tree that are not stopped yet; says whether there was one."""
    running = [pid for pid in _tree(roots) if not _is_stopped(pid)]
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    return bool(running)


def _is_stopped(pid: int) -> bool:
    try:
        # The state follows the name, which may hold anything, in parentheses.
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "TtZX"


@define(eq=False)
class ChildEngine:
    """The half of an engine that is the same for all whose sandboxes are child processes.

    None outlives its host, so there is nothing to adopt and nothing of others to remove.
    """

    _runtime: Runtime
    _spawner: Spawner = field(factory=Spawner)
    _alive: set[ChildSandbox] = field(factory=set[ChildSandbox], init=False)

    @property
    def mounts_inside_agent(self) -> bool:
        """Nothing is mounted inside the agent's folder."""
        return False

    def owner_of(self, group: AgentGroupId) -> Owner | None:
        """Everything belongs to whoever runs the host."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        with self._spawner.running():
            task_status.started()
            await trio.sleep_forever()

    async def adopt(self, life: LifeName) -> ChildSandbox | None:
        """No child of a dead host is left alive for long."""
        await trio.lowlevel.checkpoint()
        return None

    async def bury(self, life: LifeName) -> None:
        """Kill every process that was started for *life*'s folder, and wait until there is none."""
        with trio.move_on_after(BURY_SECONDS):
            while found := await trio.to_thread.run_sync(processes_of, life.outbound):
                for pid in found:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                await trio.sleep(LOOK_SECONDS)
            return
        raise SandboxError(engine="child", why=f"a process of epoch {life.epoch} does not die")

    async def remove_others(self, keep: Collection[LifeName]) -> int:
        """There are none."""
        await trio.lowlevel.checkpoint()
        return 0

    def hurry(self) -> None:
        """Kill them all; whoever waits for one sees it end."""
        for child in list(self._alive):
            child.kill()

    async def _start(self, command: Command, *, engine: str, wrapped: bool) -> ChildSandbox:
        """Start *command*. Raises `SandboxError` if it cannot be executed."""
        try:
            program = await self._spawner.spawn(command)
        except OSError as exc:
            raise SandboxError(engine=engine, why=str(exc)) from exc
        child = ChildSandbox(engine, program, wrapped, self._alive.discard)
        self._alive.add(child)
        return child


def processes_of(outbound: Path) -> list[int]:
    """The processes of this machine that were started as a sandbox with that `out/` folder.

    The folder follows `--out` or `--bind` on every sandbox's command line: the label that outlives a host.
    """
    folder = os.fsencode(outbound)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue  # it ended while we looked
            if any(pair in ((b"--out", folder), (b"--bind", folder)) for pair in pairwise(arguments)):
                found.append(int(entry.name))
    return found

"""What an engine is: something that runs one program per epoch, walled off as well as it can."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeAlias

import trio
from attrs import frozen

from nanoclaw.model.ids import EpochNumber, SessionId


@frozen(kw_only=True)
class SandboxSpec:
    """One life of one session's sandbox. The folders exist; the paths are absolute."""

    session: SessionId
    epoch: EpochNumber
    inbound: Path
    """The session's `in/`: the sandbox reads it and cannot write it."""
    outbound: Path
    """This epoch's folder under `out/`: the only place where the sandbox is heard."""
    agent: Path
    """The agent group's own folder."""
    state: Path
    """The agent group's model state."""
    settings: Path
    """container.json, made by the host."""


@frozen(kw_only=True)
class Exit:
    """How a sandbox's program ended: its exit code, or minus the signal that ended it."""

    code: int

    def __str__(self) -> str:
        return f"exit code {self.code}" if self.code >= 0 else f"signal {-self.code}"


class Sandbox(Protocol):
    """A started sandbox."""

    @property
    def stderr(self) -> trio.abc.ReceiveStream:
        """What its program says on standard error."""
        ...

    async def wait(self) -> Exit:
        """Wait for the end. A checkpoint; cancelling leaves the sandbox running."""
        ...

    async def stop(self, grace: float) -> Exit:
        """Ask it to end, wait *grace* seconds, kill it, wait for the end. Cancelled, it kills at once."""
        ...

    def kill(self) -> None:
        """End it now. Does not wait; does nothing to one that has ended."""
        ...


@frozen(kw_only=True)
class Usable:
    """The engine answered a real start."""

    version: str
    walls: str
    """What separates the agent from the machine, in a few words for people."""
    lacks: str
    """What it does not, in a few words for people."""


@frozen(kw_only=True)
class Unusable:
    """The engine cannot start anything here."""

    why: str
    mend: str
    """The command that mends it, or an empty text."""


Probe: TypeAlias = Usable | Unusable


class Engine(Protocol):
    """Starts sandboxes, and finds those that a dead host left behind."""

    @property
    def name(self) -> str:
        """The word for it in the settings and the records."""
        ...

    async def probe(self) -> Probe:
        """Find out, by a real start, whether the engine works here."""
        ...

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Serve until cancelled; `start` works while this runs."""
        ...

    async def start(self, spec: SandboxSpec) -> Sandbox:
        """Start a sandbox. The caller owns it and has to see it end.

        Raises:
          SandboxError: it could not be started; nothing is left of the attempt.

        Cancellation: a checkpoint; cancelled, nothing is left of the attempt either.
        """
        ...

    async def bury(self, outbound: Path) -> None:
        """Make sure that nothing of an earlier host still writes to that `out/` folder, and wait until it is so."""
        ...

    def hurry(self) -> None:
        """End every sandbox at once. Their owners see them end, and record it."""
        ...

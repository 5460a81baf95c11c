"""What an engine is: something that runs one program per epoch, walled off as well as it can."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Protocol, TypeAlias

import trio
from attrs import field, frozen

from nanoclaw.model.ids import AgentGroupId, EpochNumber, SessionId
from nanoclaw.model.sandbox import ExtraMount, Limits, Network, Owner
from nanoclaw.sandboxes.log import SandboxLog


@frozen(kw_only=True)
class LifeName:
    """Which life of which session's sandbox. The label that outlives a host."""

    session: SessionId
    epoch: EpochNumber
    outbound: Path
    """This epoch's folder under `out/`: the only place where the sandbox is heard."""


@frozen(kw_only=True)
class SandboxSpec:
    """One life of one session's sandbox. The folders exist; the paths are absolute."""

    life: LifeName
    agent_group: AgentGroupId
    inbound: Path
    """The session's `in/`: the sandbox reads it and cannot write it."""
    gateway: Path
    """The folder of the session's socket to the gateway. Read-only."""
    agent: Path
    """The agent group's own folder."""
    state: Path
    """The agent group's model state."""
    composed: Path
    """What the host makes for the agent group: container.json, CLAUDE.md, fragments. Read-only."""
    skills: Path
    """The skills that all agents share. Read-only."""
    extra: tuple[ExtraMount, ...] = ()
    """Folders of this machine that the operator lets it see."""
    limits: Limits = field(factory=Limits)
    network: Network = Network.NONE
    image: str | None = None
    """The image that its agent group asks for; None: the one in use."""


@frozen(kw_only=True)
class Exit:
    """How a sandbox's program ended: its exit code, or minus the signal that ended it."""

    code: int
    out_of_memory: bool = False
    """Did it want more memory than it may have?"""

    def __str__(self) -> str:
        said = f"exit code {self.code}" if self.code >= 0 else f"signal {-self.code}"
        return f"{said}, out of memory" if self.out_of_memory else said


class Sandbox(Protocol):
    """A started sandbox. Whoever started it has to see it end, and then to remove it."""

    async def wait(self) -> Exit:
        """Wait for the end of its program. A checkpoint; cancelling leaves the sandbox running."""
        ...

    async def copy_log(self, log: SandboxLog) -> None:
        """Copy what its program says into *log* until it has ended and all of it is there.

        Cancellation: may be called again, and goes on where it was.
        """
        ...

    def show_log(self) -> None:
        """See to it that what was said so far is in the log soon. Never blocks."""
        ...

    async def pause(self) -> None:
        """Let nothing in it run until `resume`. Raises `SandboxError`."""
        ...

    async def resume(self) -> None:
        """Let it run again. Does nothing to one that runs. Raises `SandboxError`."""
        ...

    async def stop(self, grace: float) -> Exit:
        """Ask it to end, wait *grace* seconds, kill it, wait for the end. Cancelled, it kills at once.

        Raises:
          SandboxError: it does not die, or nobody can say whether it has.
        """
        ...

    async def remove(self) -> None:
        """Remove what is left of one that has ended. May be repeated. Raises `SandboxError`."""
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

    @property
    def mounts_inside_agent(self) -> bool:
        """Does a start mount host-made files inside the agent group's own folder, which has to be readied for it?"""
        ...

    def owner_of(self, group: AgentGroupId) -> Owner | None:
        """Who the files that agents of *group* write have to belong to; None: to whoever runs the host."""
        ...

    async def probe(self) -> Probe:
        """Find out, by a real start, whether the engine works here."""
        ...

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Serve until cancelled; `start` works while this runs."""
        ...

    async def start(self, spec: SandboxSpec) -> Sandbox:
        """Start a sandbox.

        Raises:
          SandboxError: it could not be started; nothing is left of the attempt, or nothing that a later `bury` of
            the same life would not find.

        Cancellation: a checkpoint; cancelled, the same holds.
        """
        ...

    async def adopt(self, life: LifeName) -> Sandbox | None:
        """Take over *life*'s sandbox from a dead host, if it still runs. Raises `SandboxError`."""
        ...

    async def bury(self, life: LifeName) -> None:
        """Make sure that nothing writes to *life*'s folder any more, and wait until it is so.

        Raises:
          SandboxError: something does not die, or nobody can say whether it has.
        """
        ...

    async def remove_others(self, keep: Collection[LifeName]) -> int:
        """End and remove this home's sandboxes that are none of *keep*; returns how many there were.

        Raises:
          SandboxError: one would not go.
        """
        ...

    def hurry(self) -> None:
        """End every sandbox at once. Their owners see them end, and record it."""
        ...

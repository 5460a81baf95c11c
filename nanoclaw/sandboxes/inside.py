"""A sandbox with a program of ours in the runner's place, which looks around: what it is given, and what it says."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Protocol, runtime_checkable

from attrs import frozen

from nanoclaw.model.ids import AgentGroupId, EpochNumber, SessionId
from nanoclaw.model.sandbox import Owner
from nanoclaw.sandboxes.engine import LifeName, SandboxSpec
from schema import files

GROUP = AgentGroupId("probe")
FRAGMENTS = "fragments"
FOLDERS = ("in", "out", "gateway", "agent", "state", "composed", "skills")


@frozen(kw_only=True)
class Said:
    """How such a program ended, and its last line."""

    code: int
    last: str


@runtime_checkable
class LooksInside(Protocol):
    """An engine that has walls to look at."""

    @property
    def name(self) -> str:
        """The word for it."""
        ...

    def owner_of(self, group: AgentGroupId) -> Owner | None:
        """See `Engine`."""
        ...

    async def look_inside(self, folder: Path, program: str) -> Said:
        """Run *program*, Python's, in a sandbox like that of an agent group with no settings at all.

        Args:
          folder: As `make_folders` makes it, with whatever is to be in its `gateway`.
          program: Its text; it has the standard library and nothing else.

        Raises:
          SandboxError: nothing could be started, or it did not end in time.

        Cancellation: nothing of it is left.
        """
        ...


def make_folders(scratch: Path, owner: Owner | None) -> Path:
    """What a sandbox needs, in a new folder in *scratch*; *owner* is who runs in it, None: this user. Blocks."""
    folder = Path(tempfile.mkdtemp(prefix="probe-", dir=scratch))
    for name in FOLDERS:
        (folder / name).mkdir(mode=0o755)
        if name in ("out", "agent", "state") and owner is not None:
            os.chown(folder / name, owner.uid, owner.gid)
    for name, inner in (("composed", FRAGMENTS), ("composed", files.PROGRAMS), ("agent", files.FRAGMENTS)):
        (folder / name / inner).mkdir(mode=0o755)
        (folder / name / files.CLAUDE_MD).touch()
        (folder / name / files.CONTAINER_JSON).touch()
    return folder


def spec_in(folder: Path) -> SandboxSpec:
    """The sandbox that is given what is in *folder*, and what a new agent group has besides."""
    return SandboxSpec(
        life=LifeName(session=SessionId(folder.name), epoch=EpochNumber(0), outbound=folder / "out"),
        agent_group=GROUP,
        inbound=folder / "in",
        gateway=folder / "gateway",
        agent=folder / "agent",
        state=folder / "state",
        composed=folder / "composed",
        skills=folder / "skills",
    )

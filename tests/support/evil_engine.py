"""An engine that starts the real runner for everybody but one agent group, and an attack for that one."""

from __future__ import annotations

import sys
from collections.abc import Collection

import attrs
import trio
from attrs import define, field, frozen

from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.sandbox import Owner
from nanoclaw.sandboxes.child import ChildSandbox
from nanoclaw.sandboxes.engine import LifeName, Probe, SandboxSpec
from nanoclaw.sandboxes.process import ProcessEngine
from nanoclaw.sandboxes.runtime import Runtime

EVIL_FOLDER = "evil"
PRELUDE = """
import os, sys, time, apsw
from pathlib import Path
inside, out = map(Path, sys.argv[1:3])
"""


@frozen(kw_only=True)
class EvilRuntime(Runtime):
    """A runtime whose program is *attack*, a Python text that is given two folders: `inside` and `out`."""

    attack: str

    def argv(self, interpreter: str, places: list[str], arguments: list[str]) -> list[str]:
        """The attack's command line; the out folder is an argument, as it is of every sandbox."""
        words = dict(zip(arguments[0:4:2], arguments[1:4:2], strict=True))
        return [sys.executable, "-c", PRELUDE + self.attack, words["--in"], words["--out"]]


@define(eq=False)
class EvilEngine:
    """Two process engines: one for the good, one for the bad."""

    _runtime: Runtime
    attack: str
    name: str = field(default="process", init=False)
    starts: int = field(default=0, init=False)
    """Of the attack."""
    _good: ProcessEngine = field(init=False)
    _evil: ProcessEngine = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._good = ProcessEngine(self._runtime)
        self._evil = ProcessEngine(EvilRuntime(**attrs.asdict(self._runtime, recurse=False), attack=self.attack))

    async def probe(self) -> Probe:
        """It works."""
        return await self._good.probe()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self._good.run)
            await nursery.start(self._evil.run)
            task_status.started()

    async def start(self, spec: SandboxSpec) -> ChildSandbox:
        """Start a runner, or the attack."""
        if spec.agent.name != EVIL_FOLDER:
            return await self._good.start(spec)
        self.starts += 1
        return await self._evil.start(spec)

    @property
    def mounts_inside_agent(self) -> bool:
        """Nothing is."""
        return False

    def owner_of(self, group: AgentGroupId) -> Owner | None:
        """Whoever runs the host."""

    async def adopt(self, life: LifeName) -> ChildSandbox | None:
        """Nothing survives."""
        return await self._good.adopt(life)

    async def bury(self, life: LifeName) -> None:
        """Kill what is left."""
        await self._good.bury(life)

    async def remove_others(self, keep: Collection[LifeName]) -> int:
        """There are none."""
        return await self._good.remove_others(keep)

    def hurry(self) -> None:
        """Kill all."""
        self._good.hurry()
        self._evil.hurry()

"""The process engine: the runner as a plain child process. Unsafe: for development, and where nothing else works."""

from __future__ import annotations

from pathlib import Path

import trio
from attrs import define, field

from nanoclaw.errors import SandboxError
from nanoclaw.sandboxes.child import Children, ChildSandbox, bury_processes
from nanoclaw.sandboxes.engine import Probe, SandboxSpec, Usable
from nanoclaw.sandboxes.runtime import Runtime
from nanoclaw.sandboxes.spawner import Command

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


@define(eq=False)
class ProcessEngine:
    """Runs runners next to the host, with the host's own rights."""

    _runtime: Runtime
    _children: Children = field(factory=Children, init=False)
    name: str = field(default="process", init=False)

    async def probe(self) -> Probe:
        """It works wherever the host itself does."""
        await trio.lowlevel.checkpoint()
        return Usable(
            version="",
            walls="none",
            lacks="the agent has your own rights: it can read and change all your files, and reach the network",
        )

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        await self._children.run(task_status=task_status)

    async def start(self, spec: SandboxSpec) -> ChildSandbox:
        """Start a runner. Raises `SandboxError`."""
        runtime = self._runtime
        command = Command(
            argv=runtime.argv(
                str(runtime.interpreter),
                [str(runtime.runner.parent), str(runtime.schema.parent), str(runtime.packages)],
                [
                    *("--in", str(spec.inbound), "--out", str(spec.outbound), "--agent", str(spec.agent)),
                    *("--container-json", str(spec.settings), "--parent-pipe"),
                ],
            ),
            environment=ENVIRONMENT | {"HOME": str(spec.state)},
            directory=spec.agent,
            # Nothing else ends the runner with the host: it watches this pipe.
            parent_pipe=True,
        )
        try:
            return await self._children.start(command, wrapped=False)
        except OSError as exc:
            raise SandboxError(engine=self.name, why=str(exc)) from exc

    async def bury(self, outbound: Path) -> None:
        """Kill what an earlier host left running on that folder."""
        await bury_processes(outbound)

    def hurry(self) -> None:
        """Kill every sandbox."""
        self._children.hurry()

"""The process engine: the runner as a plain child process. Unsafe: for development, and where nothing else works."""

from __future__ import annotations

import trio
from attrs import define, field

from nanoclaw.kit.spawner import Command
from nanoclaw.sandboxes.child import ChildEngine, ChildSandbox
from nanoclaw.sandboxes.engine import Probe, SandboxSpec, Usable
from schema import files

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


@define(eq=False)
class ProcessEngine(ChildEngine):
    """Runs runners next to the host, with the host's own rights."""

    name: str = field(default="process", init=False)

    async def probe(self) -> Probe:
        """It works wherever the host itself does."""
        await trio.lowlevel.checkpoint()
        return Usable(
            version="",
            walls="none",
            lacks="the agent has your own rights: it can read and change all your files, and reach the network",
        )

    async def start(self, spec: SandboxSpec) -> ChildSandbox:
        """Start a runner. Raises `SandboxError`."""
        runtime = self._runtime
        command = Command(
            argv=runtime.argv(
                str(runtime.interpreter),
                [str(runtime.runner.parent), str(runtime.schema.parent), str(runtime.packages)],
                [
                    *("--in", str(spec.inbound), "--out", str(spec.life.outbound), "--agent", str(spec.agent)),
                    *("--container-json", str(spec.composed / files.CONTAINER_JSON), "--parent-pipe"),
                    *("--gateway", str(spec.gateway / files.GATEWAY_SOCKET)),
                    *("--programs", str(spec.composed / files.PROGRAMS)),
                ],
            ),
            environment=ENVIRONMENT | {"HOME": str(spec.state)},
            directory=spec.agent,
            # Nothing else ends the runner with the host: it watches this pipe.
            parent_pipe=True,
        )
        return await self._start(command, engine=self.name, wrapped=False)

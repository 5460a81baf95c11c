"""The gateway as a process of its own, in the hands of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import trio
from attrs import define

from nanoclaw.core.model_requests import Key
from nanoclaw.gateway.answers import Turns
from nanoclaw.gateway.gateway import uncounted
from nanoclaw.gateway.process import GatewayProcess
from nanoclaw.gateway.secrets_file import SecretsFile
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.tree import TreeNode
from tests.gateway.upstream import Answerer, Gate, Upstream, echo, open_upstream

KEY = Key("sk-ant-api03-sesame")
RECOVERY_SECONDS = 120.0
"""On a machine that has a whole gate to run; how long it takes is measured by `make bench`."""


@define(eq=False)
class Apart:
    """A process that is kept, a model, and a way from a sandbox to that model."""

    process: GatewayProcess
    node: TreeNode
    model: Upstream
    gate: Gate
    session: str

    async def pid(self) -> int:
        """That of the process, once there is one that is ready."""
        while not (found := self.node.signals().get("process", "")).isdecimal():  # noqa: ASYNC110 - of another process
            await trio.sleep(0.01)
        return int(found)

    async def ask(self) -> bytes:
        """What the model says to a sandbox, within the time that the gateway may take to recover."""
        with trio.fail_after(RECOVERY_SECONDS):
            return (await (await self.gate.caller(self.session)).ask(b"are you there?")).body


@asynccontextmanager
async def open_apart(
    folder: Path, answer: Answerer = echo, *, turns: Turns = uncounted, session: str = "ses-1"
) -> AsyncIterator[Apart]:
    """A process, a model, and a way from a sandbox to it, for the length of the block."""
    node = TreeNode("gateway")
    process = GatewayProcess(folder, node, turns)
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(open_upstream(answer))
        await trio.to_thread.run_sync(lambda: SecretsFile(folder).set(model.url, KEY, now=SystemClock().now()))
        nursery = await stack.enter_async_context(trio.open_nursery())
        await nursery.start(process.run)
        gate = await stack.enter_async_context(Gate(process, folder))
        async with process.open(gate.way(model.endpoint, session)):
            yield Apart(process, node, model, gate, session)
        nursery.cancel_scope.cancel()

"""What people let through for one request goes out once: if it does not go out, the next one may."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import attrs
import pytest
import trio
from attrs import define, field

from nanoclaw.core.egress import Policy
from nanoclaw.gateway.egress import Egress
from nanoclaw.gateway.other_secrets import OtherSecrets
from nanoclaw.gateway.wire import GoneError
from nanoclaw.model.bindings import BoundRequest, BoundVerdict, Go, Pass
from nanoclaw.model.ids import AgentGroupId, ApprovalId
from tests.gateway.apart import Apart, open_apart
from tests.gateway.test_bound import Api, binding, open_api
from tests.gateway.world import LOOPBACK, Outside, open_bytes
from tests.support.central import NOW

PASS = Pass(
    approval_id=ApprovalId("apr-1"),
    agent_group_id=AgentGroupId("agt-nano"),
    name="api",
    digest="abc",
    until=NOW + timedelta(minutes=10),
)


@define(eq=False)
class Desk:
    """Lets requests through, and hears what came of that."""

    place: str
    judging: trio.Event = field(factory=trio.Event)
    may_answer: trio.Event = field(factory=trio.Event)
    heard: list[bool] = field(factory=list[bool])

    async def bound(self, _: BoundRequest) -> BoundVerdict:
        self.judging.set()
        await self.may_answer.wait()
        return Go(attrs.evolve(binding(1), place=self.place), PASS)

    def passed(self, used: Pass, went: bool) -> None:
        assert used == PASS
        self.heard.append(went)

    async def policy(self) -> Policy:
        await trio.lowlevel.checkpoint()
        return Policy()


@asynccontextmanager
async def asking(folder: Path, apart: Apart, desk: Desk) -> AsyncIterator[trio.Nursery]:
    """A sandbox that asks once, whatever comes of that, while the block does."""
    egress = Egress(policy=desk.policy, tell=lambda _: None, bound=desk.bound, passed=desk.passed)
    OtherSecrets(folder).set("API_TOKEN", "kumquat-of-the-pass", now=NOW)
    async with apart.process.open(attrs.evolve(apart.gate.way(apart.model.endpoint, "ses-2"), egress=egress)):
        outside = Outside(folder / "ses-2")

        async def ask() -> None:
            with suppress(GoneError):
                await outside.ask("http://gw/api/x")

        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask)
                await desk.judging.wait()
                yield nursery
        await outside.close()


async def test_one_that_dies_while_it_connects_leaves_the_pass_as_it_was(tmp_path: Path) -> None:
    reached = trio.Event()

    async def says_nothing(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        reached.set()
        await trio.sleep_forever()

    async with open_bytes(says_nothing) as port, open_apart(tmp_path) as apart:
        desk = Desk(f"{LOOPBACK}:{port}")
        async with asking(tmp_path, apart, desk):
            desk.may_answer.set()
            await reached.wait()
            assert desk.heard == []
            os.kill(await apart.pid(), signal.SIGKILL)
    assert desk.heard == [False]


async def test_one_that_reaches_nobody_leaves_the_pass_as_it_was(tmp_path: Path) -> None:
    async with open_apart(tmp_path) as apart:
        desk = Desk(f"{LOOPBACK}:1")
        async with asking(tmp_path, apart, desk):
            desk.may_answer.set()
        assert (desk.heard, apart.node.restarts) == ([False], 0)


async def test_one_that_dies_after_the_request_has_gone_out_has_used_the_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_api(tmp_path, monkeypatch, "localhost") as api, open_apart(tmp_path) as apart:
        api.thinks = trio.Event()
        desk = Desk(f"localhost:{api.port}")
        async with asking(tmp_path, apart, desk):
            desk.may_answer.set()
            await has_heard(api)
            os.kill(await apart.pid(), signal.SIGKILL)
    assert desk.heard == [True]


async def has_heard(api: Api) -> None:
    while not api.heard:  # noqa: ASYNC110 - of another task's list
        await trio.sleep(0.01)

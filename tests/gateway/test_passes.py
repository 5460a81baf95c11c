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
from nanoclaw.core.endpoints import ANTHROPIC, read_endpoint
from nanoclaw.gateway.answers import Answers
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.egress import Egress
from nanoclaw.gateway.frames import Answer, MayUse, Passed, ToHost
from nanoclaw.gateway.gateway import Way, uncounted
from nanoclaw.gateway.host_line import HostLine
from nanoclaw.gateway.other_secrets import OtherSecrets
from nanoclaw.gateway.wire import GoneError
from nanoclaw.model.bindings import BoundRequest, BoundVerdict, Go, Pass
from nanoclaw.model.ids import AgentGroupId, ApprovalId, SessionId
from tests.gateway.apart import Apart, open_apart
from tests.gateway.test_bound import Api, binding, open_api
from tests.gateway.world import LOOPBACK, Outside, open_bytes, open_outside
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


async def test_one_whose_host_may_never_hear_of_it_does_not_go_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the pipe to the host is full: who died then would have said nothing, and the pass were given back."""
    heard: list[bool] = []

    def passed(_: Pass, went: bool) -> None:
        heard.append(went)
        raise UnreachableError("the host does not hear that it goes out")

    async def bound(_: BoundRequest) -> BoundVerdict:
        await trio.lowlevel.checkpoint()
        return Go(binding(api.port), PASS)

    (there := tmp_path / "way").mkdir()
    async with (
        open_api(tmp_path, monkeypatch) as api,
        open_outside(
            there, names={"api.example": [LOOPBACK]}, bound=bound, passed=passed, value_of=lambda _: "kumquat"
        ) as outside,
    ):
        status, said = await outside.ask("http://gw/api/x")
        assert (status, "does not hear" in said) == (502, True)
        assert (heard, api.heard) == ([True], [])


async def test_an_answer_that_comes_when_nobody_waits_any_more_leaves_the_pass_as_it_was() -> None:
    said: list[ToHost] = []

    def say(one: ToHost) -> bool:
        said.append(one)
        return takes

    takes, line = True, HostLine(say)
    line.answered(Answer(number=7, found=Go(binding(1), PASS)))
    assert said == [Passed(used=PASS.approval_id, went=False)]
    takes = False
    line.passed(PASS, went=False)
    with pytest.raises(UnreachableError):
        line.passed(PASS, went=True)


@pytest.mark.parametrize("heard_all", [True, False])
async def test_of_a_process_that_was_not_heard_to_its_end_nobody_knows_what_went_out(heard_all: bool) -> None:
    desk, model = Desk("api.example:443"), read_endpoint(ANTHROPIC)
    desk.may_answer.set()
    egress = Egress(policy=desk.policy, tell=lambda _: None, bound=desk.bound, passed=desk.passed)
    way = Way(session=SessionId("ses-1"), folder=Path("/"), owner=None, endpoint=model, egress=egress)
    answered = trio.Event()
    async with trio.open_nursery() as nursery:
        answers = Answers(lambda _: answered.set(), {1: way}, uncounted, nursery)
        request = BoundRequest(name="api", method="GET", path="/x", size=0, digest="")
        answers.hear(MayUse(number=1, way=1, request=request))
        await answered.wait()
        answers.end(heard_all=heard_all)
    assert desk.heard == ([False] if heard_all else [])


async def has_heard(api: Api) -> None:
    while not api.heard:  # noqa: ASYNC110 - of another task's list
        await trio.sleep(0.01)

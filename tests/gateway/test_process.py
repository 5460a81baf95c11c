"""The gateway as a process of its own: killed, hung, restarted, it costs sandboxes their way out and nothing else."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import attrs
import pytest
import trio

from nanoclaw.core.egress import Policy
from nanoclaw.errors import SandboxError
from nanoclaw.gateway.egress import Egress
from nanoclaw.gateway.life import BEAT_SECONDS, MOST_UNANSWERED
from nanoclaw.gateway.told import Told
from nanoclaw.gateway.wire import GoneError
from nanoclaw.model.egress import EgressLimits, Outcome
from schema.files import GATEWAY_SOCKET
from tests.gateway.apart import KEY, open_apart
from tests.gateway.upstream import Line
from tests.gateway.world import LOOPBACK, Outside, open_bytes, rule


async def test_a_call_goes_through_the_process_which_adds_the_key(tmp_path: Path) -> None:
    async with open_apart(tmp_path) as apart:
        assert await apart.ask() == b"are you there?"
        pid = await apart.pid()
        assert KEY.value.encode() not in await trio.Path(f"/proc/{pid}/cmdline").read_bytes()
    ((request,),) = [line.requests for line in apart.model.lines]
    assert request.headers[b"x-api-key"] == KEY.value.encode()
    assert not await trio.Path(f"/proc/{pid}").exists()
    assert not (tmp_path / "ses-1" / GATEWAY_SOCKET).exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_one_that_is_killed_or_stopped_is_followed_by_another_and_whoever_asked_meanwhile_is_answered(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with open_apart(tmp_path) as apart:
        await apart.ask()
        first = await apart.pid()
        os.kill(first, number)
        assert await apart.ask() == b"are you there?"
        assert await apart.pid() != first
        assert 0 < apart.node.restarts == apart.node.restarts_below, "what is counted of a part is counted of this one"
        assert apart.node.last_error == {signal.SIGKILL: "it was ended by signal 9", signal.SIGSTOP: "it hung"}[number]


async def test_one_that_goes_round_is_left_alone_and_says_what_it_holds(tmp_path: Path) -> None:
    async with open_apart(tmp_path) as apart:
        await apart.ask()
        first = await apart.pid()
        await trio.sleep(BEAT_SECONDS * (MOST_UNANSWERED + 1))
        seen = apart.node.signals()
        assert (seen["process"], seen["connections"]) == (str(first), "1")
        assert 10 < int(seen["memory"].split()[0]) < 150


async def test_where_the_host_has_no_descriptor_left_for_a_moment_one_start_fails_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, failures = os.dup, 0

    def duplicate(file: int) -> int:
        nonlocal failures
        if failures:
            failures -= 1
            raise OSError(errno.EMFILE, "too many open files")
        return copy(file)

    async with open_apart(tmp_path) as apart:
        assert await apart.ask() == b"are you there?"
        first = await apart.pid()
        monkeypatch.setattr(os, "dup", duplicate)
        failures = 1
        with pytest.raises(SandboxError, match="handed over"):
            async with apart.process.open(apart.gate.way(apart.model.endpoint, "ses-2")):
                pytest.fail("it was not handed over")
        assert (failures, await apart.ask(), await apart.pid()) == (0, b"are you there?", first)
        failures = 1
        os.kill(first, signal.SIGKILL)
        assert await apart.ask() == b"are you there?"
        assert (failures, apart.node.restarts) == (0, 2)


async def test_an_answer_that_is_under_way_is_cut_short_and_the_next_one_is_whole(tmp_path: Path) -> None:
    began = trio.Event()

    async def slow_at_first(line: Line) -> None:
        while await line.next_request() is not None:
            if not began.is_set():
                began.set()
                await trio.sleep_forever()
            await line.say(b"whole")

    async with open_apart(tmp_path, slow_at_first) as apart:
        caller = await apart.gate.caller()
        await caller.begin(b"x")
        await began.wait()
        os.kill(await apart.pid(), signal.SIGKILL)
        with pytest.raises(GoneError):
            await caller.hear()
        assert await apart.ask() == b"whole"


async def test_what_a_sandbox_has_asked_for_and_moved_is_not_forgotten_with_the_process(tmp_path: Path) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.send_all(bytes(1 << 20))
        await stream.receive_some()

    async def allow() -> Policy:
        await trio.lowlevel.checkpoint()
        return policy

    async with open_bytes(serve) as port, open_apart(tmp_path) as apart:
        place = f"{LOOPBACK}:{port}"
        policy = Policy(rules=(rule(place),))
        limits = EgressLimits(requests=3, total_bytes=4 << 20)
        egress = Egress(policy=allow, tell=lambda _: None, limits=limits)
        async with apart.process.open(attrs.evolve(apart.gate.way(apart.model.endpoint, "ses-2"), egress=egress)):
            outside = Outside(tmp_path / "ses-2")
            for _ in range(3):
                status, stream, _ = await outside.tunnel(place)
                assert status == 200
                heard = 0
                while heard < 1 << 20:
                    data = await stream.receive_some(1 << 16)
                    assert data, "it ended early"
                    heard += len(data)
                os.kill(await apart.pid(), signal.SIGKILL)
                assert await stream.receive_some() == b""
            status, _, words = await outside.tunnel(place)
            await apart.pid()
            assert apart.node.signals()["over a limit"] == "ses-2"
            await outside.close()
        spent = egress.spending.so_far()
    assert (status, "has asked 3 times within a minute" in words) == (429, True)
    assert (len(spent.asked) >= 3, spent.moved >= 3 * ((1 << 20) - (64 << 10))) == (True, True)


async def test_a_tunnel_that_is_cut_short_with_the_process_is_written_down_all_the_same(tmp_path: Path) -> None:
    told: list[Told] = []

    async def serve(stream: trio.SocketStream) -> None:
        await stream.send_all(b"hello")
        await stream.receive_some()

    async def allow() -> Policy:
        await trio.lowlevel.checkpoint()
        return policy

    async with open_bytes(serve) as port, open_apart(tmp_path) as apart:
        place = f"{LOOPBACK}:{port}"
        policy = Policy(rules=(rule(place),))
        way = attrs.evolve(apart.gate.way(apart.model.endpoint, "ses-2"), egress=Egress(policy=allow, tell=told.append))
        async with apart.process.open(way):
            outside = Outside(way.folder)
            for _ in range(2):
                status, stream, _ = await outside.tunnel(place)
                assert (status, await stream.receive_some()) == (200, b"hello")
                os.kill(await apart.pid(), signal.SIGKILL)
                assert await stream.receive_some() == b""
            await outside.close()
    cut = (place, Outcome.FAILED, "the gateway ended in the middle of it")
    assert [(one.place, one.outcome, one.why) for one in told] == [cut, cut]

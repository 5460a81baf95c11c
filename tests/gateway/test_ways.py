"""Ways out: one socket a session, there as long as it is open, and no trouble of one is another's."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import define

from nanoclaw.core.endpoints import ANTHROPIC, BadEndpoint, read_endpoint
from nanoclaw.core.model_requests import Key
from nanoclaw.errors import SandboxError, UsageError
from nanoclaw.gateway.gateway import ACCEPT_PAUSE, MOST_CONNECTIONS, Gateway, _accept
from nanoclaw.gateway.wire import GoneError
from nanoclaw.kit.tree import TreeNode
from schema.files import GATEWAY_SOCKET
from tests.gateway.upstream import PATIENCE, Caller, Gate, Line, connect, echo, open_all, open_gateway, open_upstream

CLAUDE = read_endpoint(ANTHROPIC)


async def test_a_socket_is_its_owners_alone_and_there_as_long_as_the_way_is_open(tmp_path: Path) -> None:
    async with open_gateway(tmp_path) as gate:
        way = gate.way(CLAUDE)
        socket = way.folder / GATEWAY_SOCKET
        socket.touch()  # left by a host that died
        async with gate.gateway.open(way):
            assert stat.S_ISSOCK(socket.stat().st_mode)
            assert stat.S_IMODE(socket.stat().st_mode) == 0o600
            caller = await gate.caller()
            assert (await caller.ask(b"x")).status == 401
        assert not socket.exists()
        assert await caller.wire.receive(PATIENCE) is None


async def test_a_path_may_be_longer_than_a_sockets(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    async with open_gateway(deep) as gate, gate.gateway.open(gate.way(CLAUDE)):
        assert (await (await gate.caller()).ask(b"x")).status == 401


async def test_a_socket_that_cannot_be_made_is_that_sandboxs_trouble(tmp_path: Path) -> None:
    async with open_gateway(tmp_path) as gate:
        way = gate.way(CLAUDE)
        way.folder.rmdir()
        with pytest.raises(SandboxError, match="its socket cannot be made"):
            async with gate.gateway.open(way):
                pass
        async with gate.gateway.open(gate.way(CLAUDE, "ses-2")):
            assert (await (await gate.caller("ses-2")).ask(b"x")).status == 401


async def test_each_session_has_the_model_of_its_own_agent(tmp_path: Path) -> None:
    async with open_upstream(echo) as one, open_upstream(echo) as other, open_gateway(tmp_path) as gate:
        first, second = gate.way(one.endpoint, "a"), gate.way(other.endpoint, "b")
        nowhere = gate.way(BadEndpoint("has no host"), "c")
        async with gate.gateway.open(first), gate.gateway.open(second), gate.gateway.open(nowhere):
            assert (await (await gate.caller("a")).ask(b"1")).body == b"1"
            assert (await (await gate.caller("b")).ask(b"2")).body == b"2"
            refused = await (await gate.caller("c")).ask(b"3")
            assert (refused.status, refused.error["type"]) == (403, "permission_error")
    assert [len(model.lines) for model in (one, other)] == [1, 1]


async def test_connections_beyond_the_most_wait_their_turn(tmp_path: Path) -> None:
    async with open_all(tmp_path, echo) as (model, gate):
        busy = [await gate.caller() for _ in range(MOST_CONNECTIONS)]
        for caller in busy:
            assert (await caller.ask(b"x")).status == 200
        waiting = await gate.caller()
        await waiting.begin(b"y")
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert len(model.lines) == MOST_CONNECTIONS
        await busy[0].wire.close()
        assert (await waiting.hear()).body == b"y"


async def test_a_bug_in_one_connection_ends_that_one_only(tmp_path: Path) -> None:
    answers: list[Exception] = [RuntimeError("a bug")]

    def key_for(_: str) -> Key | None:
        if answers:
            raise answers.pop()
        return None

    async with open_upstream(echo) as model, open_gateway(tmp_path, key_for=key_for) as gate:
        one, two = gate.way(model.endpoint), gate.way(model.endpoint, "other")
        async with gate.gateway.open(one), gate.gateway.open(two):
            unlucky, other = await gate.caller(), await gate.caller("other")
            with pytest.raises((GoneError, AssertionError)):
                await unlucky.ask(b"x")
            assert (await other.ask(b"y")).body == b"y"
            assert (await (await gate.caller()).ask(b"z")).body == b"z"
            answers.append(UsageError("the file can be read by others"))
            refused = await other.ask(b"z")
            assert (refused.status, refused.error["type"]) == (401, "authentication_error")


async def test_a_gateway_that_is_started_anew_serves_what_is_open(tmp_path: Path) -> None:
    async with open_upstream(echo) as model:
        keys: dict[str, Key] = {}
        gateway = Gateway(keys.get, TreeNode("gateway"))
        async with trio.open_nursery() as first:
            await first.start(gateway.run)
            gate = Gate(gateway, tmp_path)
            open_way = gateway.open(gate.way(model.endpoint))
            await open_way.__aenter__()
            lost = await gate.caller()
            assert (await lost.ask(b"x")).body == b"x"
            first.cancel_scope.cancel()
        with pytest.raises(OSError, match=r"refused|No such"):
            await connect(tmp_path / "ses-1")
        async with trio.open_nursery() as second:
            await second.start(gateway.run)
            assert (await (await gate.caller()).ask(b"y")).body == b"y"
            await open_way.__aexit__(None, None, None)
            await gate.__aexit__()
            assert not (tmp_path / "ses-1" / GATEWAY_SOCKET).exists()
            second.cancel_scope.cancel()


async def test_a_way_that_is_closed_cuts_off_what_is_under_way(tmp_path: Path) -> None:
    asked, left = trio.Event(), trio.Event()

    async def thinks(line: Line) -> None:
        await line.hear()
        asked.set()
        assert await line.wire.wait_for_end()
        left.set()

    async with open_upstream(thinks) as model, open_gateway(tmp_path) as gate:
        caller: Caller
        async with gate.gateway.open(gate.way(model.endpoint)):
            caller = await gate.caller()
            await caller.begin(b"x")
            await asked.wait()
        with trio.fail_after(PATIENCE):
            await left.wait()
        with pytest.raises(GoneError):
            await caller.hear()


@define(eq=False)
class Failing(trio.abc.Listener[trio.SocketStream]):
    """A listener that fails in these ways, one after the other."""

    errors: list[int]

    async def accept(self) -> trio.SocketStream:
        """Fail."""
        await trio.lowlevel.checkpoint()
        number = self.errors.pop(0)
        raise OSError(number, os.strerror(number))

    async def aclose(self) -> None:
        """There is nothing to close."""
        await trio.lowlevel.checkpoint()


async def test_a_moment_without_room_for_a_connection_is_waited_out_and_a_broken_socket_is_not(
    autojump_clock: trio.testing.MockClock,
) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        await _accept(Failing([errno.EMFILE, errno.ENOMEM, errno.EBADF]))
    assert trio.current_time() == pytest.approx(2 * ACCEPT_PAUSE)

"""A way whose ports stand in for its sockets: who knows its secret is served, and nobody else is."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import attrs
import pytest
import structlog
import trio

from runner.relay import connect, open_relay
from schema.files import GATEWAY_SOCKET
from schema.way_file import WAY_FILE, WayFile, load, write
from tests.gateway.apart import Apart, open_apart

LOCAL = "127.0.0.1"
ASKED = b"POST /v1/messages HTTP/1.1\r\nhost: gw\r\nx-longer: than-any-secret\r\ncontent-length: 2\r\n\r\nhi"


@asynccontextmanager
async def open_over_network(folder: Path, session: str = "ses-2") -> AsyncIterator[tuple[Apart, Path]]:
    """A gateway's process with a way at a port, and the folder of that way."""
    async with AsyncExitStack() as stack:
        apart = await stack.enter_async_context(open_apart(folder))
        way = attrs.evolve(apart.gate.way(apart.model.endpoint, session), at=LOCAL)
        await stack.enter_async_context(apart.process.open(way))
        yield apart, way.folder


def way_in(folder: Path) -> WayFile:
    """What the file there says."""
    found = load(folder)
    assert found is not None
    return found


async def said(stream: trio.SocketStream) -> bytes:
    """All that is said until the other end hangs up, or an answer is whole."""
    heard = b""
    with trio.fail_after(30):
        try:
            while b"hi" not in heard.partition(b"\r\n\r\n")[2] and (data := await stream.receive_some()):
                heard += data
        except trio.BrokenResourceError:
            pass
    return heard


async def ask(way: WayFile, greeting: bytes) -> bytes:
    """What comes of a connection that begins with *greeting*."""
    async with await trio.open_tcp_stream(LOCAL, way.ports[GATEWAY_SOCKET]) as stream:
        await stream.send_all(greeting + ASKED)
        return await said(stream)


async def test_who_says_the_secret_is_served_also_bit_by_bit(tmp_path: Path) -> None:
    async with open_over_network(tmp_path) as (_, folder):
        way = way_in(folder)
        assert (await ask(way, way.greeting)).startswith(b"HTTP/1.1 200")
        async with await trio.open_tcp_stream(LOCAL, way.ports[GATEWAY_SOCKET]) as stream:
            for byte in way.greeting + ASKED:
                await stream.send_all(bytes([byte]))
            assert (await said(stream)).startswith(b"HTTP/1.1 200")


async def test_who_does_not_is_sent_off_unheard_and_counted(tmp_path: Path) -> None:
    async with open_over_network(tmp_path) as (apart, folder):
        way = way_in(folder)
        for wrong in (b"", b"\n", b"0" * 64 + b"\n", way.greeting[1:], way.secret.upper().encode() + b"!"):
            if wrong != way.greeting:
                assert await ask(way, wrong) == b""
        async with await trio.open_tcp_stream(LOCAL, way.ports[GATEWAY_SOCKET]) as stream:
            await stream.send_eof()
            assert await said(stream) == b""
        assert apart.model.lines == []
        assert (await ask(way, way.greeting)).startswith(b"HTTP/1.1 200")


async def test_the_secret_of_an_earlier_life_and_of_another_sandbox_are_none(tmp_path: Path) -> None:
    async with open_apart(tmp_path) as apart:
        at = attrs.evolve(apart.gate.way(apart.model.endpoint, "ses-2"), at=LOCAL)
        async with apart.process.open(at):
            earlier = way_in(at.folder)
        assert load(at.folder) is None
        other = attrs.evolve(apart.gate.way(apart.model.endpoint, "ses-3"), at=LOCAL)
        async with apart.process.open(at), apart.process.open(other):
            for secret in (earlier, way_in(other.folder)):
                assert await ask(way_in(at.folder), secret.greeting) == b""
        assert apart.model.lines == []


async def test_a_gateway_that_was_killed_is_followed_by_one_that_knows_the_secret(tmp_path: Path) -> None:
    async with open_over_network(tmp_path) as (apart, folder):
        way = way_in(folder)
        assert (await ask(way, way.greeting)).startswith(b"HTTP/1.1 200")
        os.kill(await apart.pid(), signal.SIGKILL)
        assert (await ask(way, way.greeting)).startswith(b"HTTP/1.1 200")
        assert await ask(way, b"0" * 64 + b"\n") == b""


async def test_the_relay_says_it_and_finds_the_next_hosts_port(tmp_path: Path) -> None:
    async with open_apart(tmp_path) as apart:
        way = attrs.evolve(apart.gate.way(apart.model.endpoint, "ses-2"), at=LOCAL)
        async with open_relay(str(way.folder / GATEWAY_SOCKET)) as relay:
            for _ in range(2):
                async with (
                    apart.process.open(way),
                    await trio.open_tcp_stream(LOCAL, relay.port) as stream,
                ):
                    await stream.send_all(ASKED)
                    assert (await said(stream)).startswith(b"HTTP/1.1 200")


async def test_a_name_that_has_no_port_is_not_there(tmp_path: Path) -> None:
    (tmp_path / WAY_FILE).write_bytes(write(WayFile(address=LOCAL, ports={}, secret="0" * 64)))
    with pytest.raises(OSError, match=r"there is no other\.sock"):
        await connect(tmp_path / "other.sock")


async def test_the_secret_is_in_no_log(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        async with open_over_network(tmp_path) as (_, folder):
            way = way_in(folder)
            await ask(way, b"1" * 64 + b"\n")
            await ask(way, way.greeting)
            secret = way.secret
    assert secret not in str(logs)

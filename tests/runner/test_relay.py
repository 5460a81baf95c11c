"""The relay carries bytes between programs that know TCP and the host's socket, and ends with what it carries."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import define

from runner.relay import LOCAL, MOST_CONNECTIONS, Relay, open_relay

SECONDS = 30.0


async def echo(stream: trio.SocketStream) -> None:
    """Says again what it hears, and at the end that it was all."""
    heard = 0
    async for data in stream:
        heard += len(data)
        await stream.send_all(data)
    await stream.send_all(b" (%d)" % heard)


@asynccontextmanager
async def a_relay(folder: Path, host: Callable[[trio.SocketStream], Awaitable[None]]) -> AsyncIterator[Relay]:
    """A relay to *host*, at a path that is longer than a socket's may be."""
    deep = folder / ("d" * 100)
    deep.mkdir()
    there = os.open(deep, os.O_PATH)
    plain = trio.socket.socket(trio.socket.AF_UNIX)
    await plain.bind(f"/proc/self/fd/{there}/host.sock")
    os.close(there)
    plain.listen()

    async def serve(stream: trio.SocketStream) -> None:
        # Whoever hangs up while it is spoken to is what some tests are about.
        with suppress(trio.BrokenResourceError):
            async with stream:
                await host(stream)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [trio.SocketListener(plain)])
        async with open_relay(str(deep / "host.sock")) as relay:
            yield relay
        nursery.cancel_scope.cancel()


async def call(relay: Relay) -> trio.SocketStream:
    """A connection to the relay, to be closed."""
    return await trio.open_tcp_stream(LOCAL, relay.port)


async def test_bytes_are_carried_both_ways_and_so_is_the_end_of_each(tmp_path: Path) -> None:
    async with a_relay(tmp_path, echo) as relay:
        assert relay.url == f"http://127.0.0.1:{relay.port}"
        with trio.fail_after(SECONDS):
            async with await call(relay) as stream:
                await stream.send_all(b"hello")
                assert await stream.receive_some(5) == b"hello"
                await stream.send_eof()
                assert b"".join([bytes(data) async for data in stream]) == b" (5)"


async def test_much_is_carried_whole_by_several_at_once(tmp_path: Path) -> None:
    whole = os.urandom(1 << 20)

    async def send_and_hear(relay: Relay) -> None:
        heard = bytearray()
        async with await call(relay) as stream, trio.open_nursery() as nursery:

            async def send() -> None:
                await stream.send_all(whole)
                await stream.send_eof()

            nursery.start_soon(send)
            async for data in stream:
                heard += data
        assert heard == whole + b" (1048576)"

    async with a_relay(tmp_path, echo) as relay:
        with trio.fail_after(SECONDS):
            async with trio.open_nursery() as nursery:
                for _ in range(4):
                    nursery.start_soon(send_and_hear, relay)


async def test_whoever_breaks_off_breaks_off_on_both_sides(tmp_path: Path) -> None:
    left = trio.Event()

    async def host(stream: trio.SocketStream) -> None:
        await stream.receive_some(5)
        try:
            while await stream.receive_some(5):
                pass
        except trio.BrokenResourceError:
            pass
        left.set()

    async with a_relay(tmp_path, host) as relay:
        stream = await call(relay)
        await stream.send_all(b"hello")
        await stream.aclose()
        with trio.fail_after(SECONDS):
            await left.wait()


async def test_a_host_that_hangs_up_ends_the_connection_and_not_the_relay(tmp_path: Path) -> None:
    calls = 0

    async def host(stream: trio.SocketStream) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            await echo(stream)

    async with a_relay(tmp_path, host) as relay:
        with trio.fail_after(SECONDS):
            async with await call(relay) as stream:
                assert await stream.receive_some(1) == b""
            async with await call(relay) as again:
                await again.send_all(b"x")
                assert await again.receive_some(1) == b"x"


async def test_without_a_host_a_connection_ends_and_the_log_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_relay(str(tmp_path / "nobody.sock")) as relay:
        with trio.fail_after(SECONDS):
            async with await call(relay) as stream:
                assert await stream.receive_some(1) == b""
    assert "gateway_unreachable" in capsys.readouterr().err


async def test_programs_of_other_users_are_not_carried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with a_relay(tmp_path, echo) as relay:
        monkeypatch.setattr(os, "getuid", lambda: 4711)
        with trio.fail_after(SECONDS):
            async with await call(relay) as stream:
                assert await stream.receive_some(1) == b""
    assert "relay_refused" in capsys.readouterr().err


@define(eq=False)
class Faltering(trio.abc.Listener[trio.SocketStream]):
    """A listener that has no room for a new connection now and then."""

    _listener: trio.SocketListener
    failures: int = 2

    async def accept(self) -> trio.SocketStream:
        """The next one, or none this time."""
        if self.failures:
            self.failures -= 1
            await trio.lowlevel.checkpoint()
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return await self._listener.accept()

    async def aclose(self) -> None:
        """Close it."""
        await self._listener.aclose()


async def test_a_moment_without_room_for_a_connection_is_waited_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (plain,) = await trio.open_tcp_listeners(0, host=LOCAL)
    relay = Relay(tmp_path / "nobody.sock", trio.Semaphore(1), plain.socket.getsockname()[1])
    async with plain, trio.open_nursery() as nursery:
        nursery.start_soon(relay.serve, Faltering(plain), nursery)
        with trio.fail_after(SECONDS):
            async with await call(relay) as stream:
                assert await stream.receive_some(1) == b""
        nursery.cancel_scope.cancel()
    assert capsys.readouterr().err.count("not_accepted") == 2


async def test_connections_beyond_the_most_wait_their_turn(tmp_path: Path) -> None:
    async with a_relay(tmp_path, echo) as relay:
        with trio.fail_after(SECONDS):
            async with AsyncExitStack() as open_ones:
                busy = [await open_ones.enter_async_context(await call(relay)) for _ in range(MOST_CONNECTIONS)]
                for stream in busy:
                    await stream.send_all(b"x")
                    assert await stream.receive_some(1) == b"x"
                waiting = await open_ones.enter_async_context(await call(relay))
                await waiting.send_all(b"y")
                await trio.testing.wait_all_tasks_blocked(0.01)
                await busy[0].aclose()
                assert await waiting.receive_some(1) == b"y"


async def test_what_happens_in_the_block_comes_out_as_it_is_and_the_port_is_closed(tmp_path: Path) -> None:
    ports: list[int] = []

    async def fail() -> None:
        async with open_relay(str(tmp_path / "nobody.sock")) as relay:
            ports.append(relay.port)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await fail()
    with pytest.raises(OSError, match="connect"):
        await trio.open_tcp_stream(LOCAL, ports[0])

"""The second socket: a sandbox's connection to OneCLI's proxy is carried there and back, and to nowhere else."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from nanoclaw.core.endpoints import Endpoint
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.splice import BULK, IDLE_SECONDS, Stopped, join
from nanoclaw.gateway.tunnel import carry
from schema.files import PROXY_SOCKET
from tests.gateway.upstream import PATIENCE, open_gateway
from tests.support.onecli_server import open_onecli

PROXY = Endpoint(scheme="http", host="127.0.0.1", port=10255)


async def there() -> Endpoint:
    await trio.lowlevel.checkpoint()
    return PROXY


def to(stream: trio.abc.Stream) -> Callable[[Endpoint], Awaitable[trio.abc.Stream]]:
    async def dial(endpoint: Endpoint) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        assert endpoint == PROXY
        return stream

    return dial


async def ends() -> tuple[trio.SocketStream, trio.SocketStream]:
    near, far = trio.socket.socketpair()
    return trio.SocketStream(near), trio.SocketStream(far)


def never(status: int, why: str) -> None:
    raise AssertionError(f"{status} {why}")


async def test_a_program_speaks_with_the_proxy_over_the_sessions_own_socket(tmp_path: Path) -> None:
    async with open_onecli() as server, open_gateway(tmp_path) as gate:
        server.agents["agt-1"] = "Nano"
        place = attrs.evolve(PROXY, port=int(server.url.rpartition(":")[2]))

        async def find() -> Endpoint:
            await trio.lowlevel.checkpoint()
            return place

        way = attrs.evolve(gate.way(place), proxy=find)
        async with gate.gateway.open(way):
            async with await trio.open_unix_socket(str(way.folder / PROXY_SOCKET)) as stream:
                who = b64encode(b"x:aoc_agt-1")
                await stream.send_all(
                    b"GET http://api.example.com/v1/me HTTP/1.1\r\nhost: api.example.com\r\nconnection: close\r\n"
                    b"proxy-authorization: Basic " + who + b"\r\n\r\n"
                )
                said = b"".join([piece async for piece in stream])
            assert b"Bearer secret of api.example.com" in said
        assert not (way.folder / PROXY_SOCKET).exists()
    assert [one.path for one in server.proxied] == ["/v1/me"]


async def test_without_onecli_there_is_no_second_socket(tmp_path: Path) -> None:
    async with open_gateway(tmp_path) as gate:
        way = gate.way(PROXY)
        async with gate.gateway.open(way):
            assert not (way.folder / PROXY_SOCKET).exists()


async def test_bytes_pass_in_both_directions_and_so_do_both_ends() -> None:
    (program, inside), (outside, proxy) = await ends(), await ends()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: carry(inside, find=there, dial=to(outside), note=never))
        await program.send_all(b"question")
        await program.send_eof()
        assert b"".join([piece async for piece in proxy]) == b"question"
        await proxy.send_all(b"answer")
        await proxy.send_eof()
        assert b"".join([piece async for piece in program]) == b"answer"
    await program.aclose()
    await proxy.aclose()


@pytest.mark.parametrize("who", ["program", "proxy"])
async def test_one_that_breaks_ends_the_other(who: str) -> None:
    (program, inside), (outside, proxy) = await ends(), await ends()
    breaks, stays = (program, proxy) if who == "program" else (proxy, program)
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: carry(inside, find=there, dial=to(outside), note=never))
            await breaks.aclose()
            await stays.send_all(b"x")
            assert b"".join([piece async for piece in stays]) == b""
            await stays.aclose()


async def test_a_connection_on_which_nothing_moves_is_ended(autojump_clock: trio.testing.MockClock) -> None:
    (program, inside), (outside, proxy) = await ends(), await ends()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: carry(inside, find=there, dial=to(outside), note=never))
        await trio.sleep(100)
        await program.send_all(b"x")
        assert await proxy.receive_some(1) == b"x"
    assert trio.current_time() - began == pytest.approx(100 + IDLE_SECONDS)
    await program.aclose()
    await proxy.aclose()


async def test_a_proxy_that_is_away_is_said_to_be_in_the_words_of_a_proxy() -> None:
    async def nowhere() -> Endpoint:
        await trio.lowlevel.checkpoint()
        raise UnreachableError("nobody takes the connection")

    program, inside = await ends()
    noted: list[tuple[int, str]] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: carry(inside, find=nowhere, dial=to(program), note=lambda *what: noted.append(what)))
        await program.send_all(b"CONNECT api.example.com:443 HTTP/1.1\r\n\r\n")
        said = b"".join([piece async for piece in program])
    assert said.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert said.endswith(b"OneCLI's proxy cannot be reached: nobody takes the connection\n")
    assert noted == [(502, "nobody takes the connection")]
    await program.aclose()


async def test_of_much_every_byte_is_counted_and_nothing_passes_that_is_too_much() -> None:
    (program, inside), (outside, server) = await ends(), await ends()
    heard, counted, most = 0, 0, 4 * BULK + 12345

    def count(number: int) -> None:
        nonlocal counted
        counted += number
        # What is heard was counted before: it cannot be more.
        assert heard <= counted
        if counted > most:
            raise Stopped("enough")

    async def say() -> None:
        with suppress(trio.BrokenResourceError):
            while True:
                await server.send_all(bytes(1 << 20))

    async def hear() -> None:
        nonlocal heard
        async for data in program:
            heard += len(data)

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say)
            nursery.start_soon(hear)
            with pytest.raises(Stopped, match="enough"):
                await join(inside, outside, received=count)
            await inside.aclose()
    assert 4 * BULK - (1 << 20) < heard <= most
    for stream in (program, server):
        await stream.aclose()

"""Who cannot be reached is said to be so in a few words, and nothing is left open."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
import trio.testing

from nanoclaw.core.endpoints import Endpoint
from nanoclaw.gateway.dial import CONNECT_SECONDS, UnreachableError, dial


@asynccontextmanager
async def a_port(listening: bool = True) -> AsyncIterator[int]:
    """A port of loopback at which nobody answers, or where there is nobody."""
    with socket.socket() as plain:
        plain.bind(("127.0.0.1", 0))
        if listening:
            plain.listen()
        await trio.lowlevel.checkpoint()
        yield plain.getsockname()[1]


def at(port: int, scheme: str = "http", host: str = "127.0.0.1") -> Endpoint:
    return Endpoint(scheme=scheme, host=host, port=port)


async def test_whoever_listens_is_connected_to() -> None:
    async with a_port() as port:
        stream = await dial(at(port))
        assert isinstance(stream, trio.SocketStream)
        await stream.aclose()


async def test_where_nobody_listens_it_says_so() -> None:
    async with a_port(listening=False) as port:
        with pytest.raises(UnreachableError, match="nobody takes the connection"):
            await dial(at(port))


async def test_a_name_that_is_none_is_said_to_be_none() -> None:
    class Resolver(trio.abc.HostnameResolver):
        async def getaddrinfo(self, *_: object, **__: object) -> list[object]:  # type: ignore[override]  # it raises
            await trio.lowlevel.checkpoint()
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        async def getnameinfo(self, *_: object, **__: object) -> tuple[str, str]:
            raise NotImplementedError

    trio.socket.set_custom_hostname_resolver(Resolver())
    with pytest.raises(UnreachableError, match=r"the name models\.example is not known here"):
        await dial(at(80, host="models.example"))


async def test_who_says_nothing_where_it_should_encrypt_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    async with a_port() as port:
        with pytest.raises(UnreachableError, match=f"within {CONNECT_SECONDS:g} s"):
            await dial(at(port, "https"))


async def test_who_does_not_encrypt_as_asked_is_not_spoken_with() -> None:
    async def plain(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, plain, 0, host="127.0.0.1"))
        with pytest.raises(UnreachableError, match="does not speak TLS"):
            await dial(at(listener.socket.getsockname()[1], "https"))
        nursery.cancel_scope.cancel()

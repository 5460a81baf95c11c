"""Bytes are carried from socket to socket, by the kernel or not, whole and in their order."""

from __future__ import annotations

import os
import socket

import pytest
import trio

from runner.splicing import BULK, carry

PATIENCE = 30.0


def pair() -> tuple[trio.SocketStream, trio.SocketStream]:
    return tuple(trio.SocketStream(trio.socket.from_stdlib_socket(one)) for one in socket.socketpair())  # type: ignore[return-value]  # two of them


@pytest.mark.parametrize("by", ["kernel", "copy"])
async def test_all_that_is_said_arrives_and_then_its_end(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if by == "copy":
        monkeypatch.delattr(os, "splice")
    said = os.urandom(3 << 20)
    speaker, source = pair()
    sink, hearer = pair()
    heard = bytearray()
    async with speaker, source, sink, hearer, trio.open_nursery() as nursery:
        nursery.cancel_scope.deadline = trio.current_time() + PATIENCE

        async def say() -> None:
            await speaker.send_all(said)
            await speaker.send_eof()

        nursery.start_soon(say)
        nursery.start_soon(carry, source, sink)
        async for data in hearer:
            heard += data
    assert bytes(heard) == said


async def test_one_that_is_cancelled_or_breaks_leaves_no_descriptor_open() -> None:
    def open_ones() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a number of names

    before = open_ones()
    speaker, source = pair()
    sink, hearer = pair()
    with trio.move_on_after(0.05):
        await carry(source, sink)
    await hearer.aclose()
    await speaker.send_all(b"x" * 1000)
    with pytest.raises((OSError, trio.BrokenResourceError)):
        await carry(source, sink)
    for one in (speaker, source, sink):
        await one.aclose()
    assert open_ones() == before


@pytest.mark.parametrize(("much", "gets_more"), [(BULK // 2, False), (2 * BULK, True)])
async def test_whoever_moves_much_gets_more_room_and_nobody_else(much: int, gets_more: bool) -> None:
    speaker, source = pair()
    sink, hearer = pair()
    before = sink.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    async with speaker, source, sink, hearer, trio.open_nursery() as nursery:
        nursery.cancel_scope.deadline = trio.current_time() + PATIENCE

        async def say() -> None:
            await speaker.send_all(bytes(much))
            await speaker.send_eof()

        nursery.start_soon(say)
        nursery.start_soon(carry, source, sink)
        assert sum([len(data) async for data in hearer]) == much
        assert (sink.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) > before) == gets_more

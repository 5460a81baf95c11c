"""The line between the host and a process of its own: objects and open files, whole, in their order, bounded."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from nanoclaw.kit.lines import BadFrameError
from nanoclaw.kit.pipe import MOST_FRAME, MOST_WAITING, Pipe


@asynccontextmanager
async def two_ends() -> AsyncIterator[tuple[Pipe, Pipe, trio.Nursery]]:
    one, other = (Pipe(plain) for plain in socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM))
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one.run)
            yield one, other, nursery
            nursery.cancel_scope.cancel()
    finally:
        one.close()
        other.close()


async def test_objects_come_whole_and_in_order_also_where_the_other_end_was_slow() -> None:
    async with two_ends() as (one, other, _):
        told = [{"number": number, "text": "ü" * 1000} for number in range(500)]
        for said in told:
            one.say(said)
        heard = [await other.receive() for _ in told]
        assert heard == [(said, []) for said in told]


async def test_open_files_come_with_their_own_object() -> None:
    async with two_ends() as (one, other, _):
        one.say({"filler": "x" * 300_000})
        for number in range(3):
            read, write = os.pipe()
            os.write(write, str(number).encode())
            os.close(write)
            one.say({"number": number}, [read])
            os.close(read)
        assert (await other.receive()) is not None
        for number in range(3):
            heard = await other.receive()
            assert heard is not None
            said, (file,) = heard
            assert (said, os.read(file, 10)) == ({"number": number}, str(number).encode())
            assert not os.get_inheritable(file)
            os.close(file)


async def test_whether_the_other_end_can_hear_it_by_now_is_said_at_once() -> None:
    async with two_ends() as (one, other, _):
        assert one.say({"first": 1})
        while one.say({"filler": "x" * 100_000}):
            pass
        assert not one.say({"behind": "it"}), "it waits behind what was not taken"
        heard = await other.receive()
        while heard is not None and heard[0] != {"behind": "it"}:
            heard = await other.receive()
        assert heard is not None
        assert one.say({"again": 1})
        other.close()
        assert not one.say({"gone": 1})


async def test_one_that_takes_nothing_is_given_up_and_the_end_is_heard() -> None:
    async with two_ends() as (one, other, _):
        for _ in range(MOST_WAITING // 100_000 + 10):
            one.say({"text": "x" * 100_000})
        assert await one.receive() is None
        heard = 0
        while await other.receive() is not None:
            heard += 1
        assert heard * 100_000 < MOST_WAITING


async def test_what_is_too_long_or_makes_no_sense_is_not_waited_for() -> None:
    for said in (b"x" * (MOST_FRAME + 1), b"[1]\n", b'{"files": 1, "said": {}}\n', b'{"said": {}}\n', b"\xff\n"):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        pipe = Pipe(ours)
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(theirs))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, said)
            with pytest.raises(BadFrameError):
                await pipe.receive()
            nursery.cancel_scope.cancel()
        await stream.aclose()
        pipe.close()


async def test_the_end_is_heard_after_the_last_word_and_nothing_is_said_to_who_has_gone() -> None:
    async with two_ends() as (one, other, _):
        one.say({"last": True})
        one.end()
        assert await other.receive() == ({"last": True}, [])
        assert await other.receive() is None
        other.close()
        for _ in range(3):
            one.say({"to": "nobody"})
        assert await one.receive() is None

"""Models that refuse, dribble, hang, leave or say too much: told through the real process, which goes on."""

from __future__ import annotations

import json
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

import h11
import pytest
import trio

from nanoclaw.gateway import life
from nanoclaw.gateway.wire import GoneError
from tests.gateway.apart import open_apart
from tests.gateway.upstream import PATIENCE, Heard, Line

PIECES = 40


async def refuses(line: Line) -> None:
    """Says no to the key, is asked too much, and is well again; for each request the next one."""
    for status, headers in ((401, {}), (429, {"retry_after": "7"}), (200, {})):
        if await line.next_request() is None:
            return
        await line.say(b'{"said": %d}' % status, status=status, content_type="application/json", **headers)


async def test_what_a_model_refuses_is_passed_on_as_it_is_with_how_long_to_wait(tmp_path: Path) -> None:
    async with open_apart(tmp_path, refuses) as apart:
        caller = await apart.gate.caller()
        heard: list[Heard] = [await caller.ask(b"x") for _ in range(3)]
    assert [(one.status, json.loads(one.body)["said"]) for one in heard] == [(401, 401), (429, 429), (200, 200)]
    assert [one.headers.get(b"retry-after") for one in heard] == [None, b"7", None]


async def test_a_model_that_dribbles_is_heard_piece_by_piece(tmp_path: Path) -> None:
    passed = trio.Event()

    async def dribbles(line: Line) -> None:
        await line.next_request()
        await line.begin(content_type="text/event-stream")
        for number in range(PIECES):
            await line.wire.send(h11.Data(data=b"%02d" % number))
            if number == 0:
                # Nothing more comes before the first piece has arrived.
                await passed.wait()
        await line.wire.send(h11.EndOfMessage())

    async with open_apart(tmp_path, dribbles) as apart:
        caller = await apart.gate.caller()
        await caller.begin(b"x")
        assert (await caller.head()).status_code == 200
        heard = b""
        while isinstance(piece := await caller.wire.receive(PATIENCE), h11.Data):
            heard += piece.data
            passed.set()
    assert heard == b"".join(b"%02d" % number for number in range(PIECES))


@pytest.mark.parametrize("begun", [False, True])
async def test_a_sandbox_that_leaves_a_model_that_hangs_ends_the_call_there(tmp_path: Path, begun: bool) -> None:
    left, there = trio.Event(), trio.Event()

    async def hangs(line: Line) -> None:
        await line.next_request()
        if begun:
            await line.begin()
            await line.wire.send(h11.Data(data=b"well"))
        there.set()
        await line.wire.wait_for_end()
        left.set()

    async with open_apart(tmp_path, hangs) as apart:
        caller = await apart.gate.caller()
        await caller.begin(b"x")
        if begun:
            await caller.head()
        with trio.fail_after(30):
            await there.wait()
            await caller.wire.close()
            await left.wait()
        assert apart.node.restarts == 0


@pytest.mark.parametrize("begun", [False, True])
async def test_a_model_whose_connection_breaks_is_said_to_have_or_cut_short_and_the_process_goes_on(
    tmp_path: Path, begun: bool
) -> None:
    async def breaks(line: Line) -> None:
        await line.next_request()
        if begun:
            await line.begin(content_length="1000")
            await line.wire.send(h11.Data(data=b"well"))
        assert isinstance(line.wire.stream, trio.SocketStream)
        # Closed like this, it says so at once, and that there is nothing more.
        line.wire.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with open_apart(tmp_path, breaks) as apart:
        for _ in range(2):
            caller = await apart.gate.caller()
            await caller.begin(b"x")
            if begun:
                with pytest.raises(GoneError):
                    await caller.hear()
            else:
                assert (await caller.hear()).status == 502
        assert apart.node.restarts == 0


async def test_a_model_whose_header_never_ends_is_given_up(tmp_path: Path) -> None:
    async def talks(line: Line) -> None:
        await line.next_request()
        with suppress(trio.BrokenResourceError):
            await line.wire.stream.send_all(b"HTTP/1.1 200 OK\r\nx-long: ")
            while True:
                await line.wire.stream.send_all(b"y" * (1 << 16))

    async with open_apart(tmp_path, talks) as apart:
        heard = await (await apart.gate.caller()).ask(b"x")
        assert heard.status == 502
        assert int(apart.node.signals()["memory"].split()[0]) < 150


async def test_one_that_has_grown_too_large_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_apart(tmp_path) as apart:
        await apart.ask()
        first = await apart.pid()
        monkeypatch.setattr(life, "MOST_MEMORY", 1)
        with trio.fail_after(30):
            while apart.node.restarts == 0:  # noqa: ASYNC110 - of another process
                await trio.sleep(0.01)
        monkeypatch.undo()
        assert await apart.ask() == b"are you there?"
        assert await apart.pid() != first
        assert (apart.node.last_error or "").startswith("it had grown to")
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)

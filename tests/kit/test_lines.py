"""Newline-framed JSON, in any chunking and against peers that misbehave."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise

import pytest
import trio
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import assert_checkpoints, memory_stream_pair, wait_all_tasks_blocked

from nanoclaw.kit.lines import BadFrameError, LineStream


@define
class Chunks(trio.abc.Stream):
    """A stream that yields its chunks as they are, then the end."""

    left: list[bytes]
    sent: bytearray = field(factory=bytearray)
    closed: bool = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        return self.left.pop(0) if self.left else b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        for byte in bytes(data):
            await trio.lowlevel.checkpoint()
            self.sent.append(byte)

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        self.closed = True
        await trio.lowlevel.checkpoint()


def lines(*chunks: bytes, limit: int = 1 << 20) -> LineStream:
    return LineStream(Chunks(list(chunks)), limit)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
frames = st.lists(st.dictionaries(st.text(), json_values, max_size=4), max_size=5)


def cut(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = sorted({0, len(data), *(at for at in cuts if at < len(data))})
    return [data[a:b] for a, b in pairwise(places)]


@settings(deadline=None)
@given(frames, st.lists(st.integers(1, 400)))
def test_what_was_sent_is_received_however_it_is_cut(frames: list[dict[str, object]], cuts: list[int]) -> None:
    async def play() -> list[dict[str, object]]:
        out = Chunks([])
        for frame in frames:
            await LineStream(out).send(frame)
        back = lines(*cut(bytes(out.sent), cuts))
        received = [await back.receive() or {} for _ in frames]
        assert await back.receive() is None
        return received

    assert trio.run(play) == frames


async def test_every_byte_may_come_alone() -> None:
    stream = lines(*(bytes([byte]) for byte in '{"é":1}\r\n{}\n'.encode()))
    assert await stream.receive() == {"é": 1}
    assert await stream.receive() == {}
    assert await stream.receive() is None
    assert await stream.receive() is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b"[1]", "a list, not an object"),
        (b"null", "a NoneType, not an object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
async def test_a_bad_frame_is_refused_and_the_next_one_read(line: bytes, reason: str) -> None:
    stream = lines(line + b'\n{"next": true}\n')
    with pytest.raises(BadFrameError, match=reason) as refused:
        await stream.receive()
    assert refused.value.usable
    assert await stream.receive() == {"next": True}


@pytest.mark.parametrize("length", [7, 8, 9])
async def test_the_limit_counts_the_frame_without_its_newline(length: int) -> None:
    frame = {"a": "x" * (length - 8)} if length >= 8 else {"a": 1}
    line = json.dumps(frame, separators=(",", ":")).encode()
    assert len(line) == length
    stream = lines(line + b"\n", limit=8)
    if length <= 8:
        assert await stream.receive() == frame
    else:
        with pytest.raises(BadFrameError, match="more than 8 bytes"):
            await stream.receive()


@pytest.mark.parametrize("chunks", [[b"x" * 9], [b"x" * 5, b"x" * 5], [b"x" * 9 + b"\n{}\n"]])
async def test_after_an_oversize_frame_nothing_more_is_read(chunks: list[bytes]) -> None:
    stream = lines(*chunks, b"\n{}\n", limit=8)
    for _ in range(2):
        with pytest.raises(BadFrameError) as refused:
            await stream.receive()
        assert not refused.value.usable


async def test_a_frame_cut_short_by_the_end_is_no_frame() -> None:
    stream = lines(b'{"a"')
    with pytest.raises(BadFrameError, match="cut short after 4 bytes"):
        await stream.receive()
    assert await stream.receive() is None


async def test_a_cancelled_receive_loses_nothing() -> None:
    near, far = memory_stream_pair()
    stream = LineStream(near)
    await far.send_all(b'{"a":')
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.receive)
            await wait_all_tasks_blocked()
            scope.cancel()
    await far.send_all(b"1}\n")
    assert await stream.receive() == {"a": 1}


async def test_frames_of_several_tasks_do_not_mix() -> None:
    out = Chunks([])
    stream = LineStream(out)
    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(stream.send, {"task": number, "text": "x" * number})
    assert {json.loads(line)["task"] for line in out.sent.splitlines()} == set(range(5))


async def test_a_send_that_was_cut_off_is_the_last_one() -> None:
    out = Chunks([])
    stream = LineStream(out)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send, {"text": "long enough to be cut"})
            while len(out.sent) < 5:
                await trio.lowlevel.checkpoint()
            scope.cancel()
    with pytest.raises(trio.BrokenResourceError):
        await stream.send({})
    assert b"\n" not in out.sent


async def test_a_frame_that_cannot_be_sent_leaves_the_stream_usable() -> None:
    out = Chunks([])
    stream = LineStream(out, limit=8)
    with pytest.raises(BadFrameError, match="limit 8"):
        await stream.send({"a": "too long"})
    with pytest.raises(ValueError, match="not JSON compliant"):
        await stream.send({"a": float("nan")})
    with pytest.raises(ValueError, match="surrogates"):
        await stream.send({"a": "\ud800"})
    await stream.send({"a": 1})
    assert out.sent == b'{"a":1}\n'


async def test_receiving_and_sending_are_checkpoints() -> None:
    stream = lines(b"{}\n{}\n")
    with assert_checkpoints():
        await stream.receive()
    with assert_checkpoints():
        await stream.receive()
    with assert_checkpoints():
        await stream.send({})


async def test_closing_closes_the_stream_below() -> None:
    below = Chunks([])
    await LineStream(below).aclose()
    assert below.closed

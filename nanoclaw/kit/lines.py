"""Newline-framed JSON objects over any Trio stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import trio
from attrs import define, field

from nanoclaw.errors import NanoclawError

READ_SIZE = 65536
MOST_ANSWER = 8 << 20
"""Bytes of what a host answers its own command line: as much as it shows of a house in which very much is open."""


@define(kw_only=True, eq=False)
class BadFrameError(NanoclawError):
    """The peer sent what is no JSON object on one line, or we were about to."""

    reason: str
    usable: bool
    """Whether the next frame can still be read."""

    def __str__(self) -> str:
        """The reason, for people."""
        return f"bad frame: {self.reason}"


@define(eq=False)
class LineStream:
    """Sends and receives JSON objects, one a line, UTF-8.

    One task receives; any number may send. The stream belongs to this object.

    Args:
      stream: Any Trio stream.
      limit: Longest frame in bytes, its newline not counted. The peer can make
        us hold this much and one read more, never beyond.
    """

    _stream: trio.abc.Stream = field(alias="stream")
    limit: int = 1 << 20
    _buffer: bytearray = field(factory=bytearray, init=False)
    _searched: int = field(default=0, init=False)
    """Bytes of the buffer known to hold no newline: none is looked at twice."""
    _overrun: bool = field(default=False, init=False)
    _cut: bool = field(default=False, init=False)
    """A send was cut off, perhaps within a frame."""
    _sending: trio.Lock = field(factory=trio.Lock, init=False)

    async def receive(self) -> dict[str, Any] | None:
        """The next frame, or None once the peer has closed its side.

        Raises:
          BadFrameError: too long, cut short by the end of the stream, not UTF-8,
            not JSON, or not an object. After one that is `usable`, call again.
          trio.BrokenResourceError: the connection broke.

        Cancellation: a checkpoint; on Cancelled nothing is lost, call again.
        """
        await trio.lowlevel.checkpoint()
        while True:
            line = self._next_line()
            if line is not None:
                return read_frame(line)
            data = await self._stream.receive_some(READ_SIZE)
            if not data:
                self._end()
                return None
            self._buffer += data

    async def send(self, frame: Mapping[str, Any]) -> None:
        """Send one frame whole; frames of several tasks never mix.

        Raises:
          BadFrameError: it is longer than the limit; nothing was sent.
          ValueError: it holds what JSON or UTF-8 cannot (NaN, lone surrogates); nothing was sent.
          trio.BrokenResourceError: the connection broke, or an earlier send was cut off.

        Cancellation: a checkpoint. Cancelled while sending, part of the frame may
        be out; no frame can follow it, so sending is over for this stream.
        """
        await self.send_text(json.dumps(frame, ensure_ascii=False, allow_nan=False, separators=(",", ":")))

    async def send_text(self, text: str) -> None:
        """The same with a frame that is JSON already, on one line."""
        line = text.encode()
        if len(line) > self.limit:
            raise BadFrameError(reason=f"{len(line)} bytes, limit {self.limit}", usable=True)
        async with self._sending:
            if self._cut:
                raise trio.BrokenResourceError("an earlier send was cut off")
            self._cut = True
            await self._stream.send_all(line + b"\n")
            self._cut = False

    async def aclose(self) -> None:
        """Close the stream. Cancelled, it is closed all the same, only less politely."""
        await self._stream.aclose()

    def _next_line(self) -> bytes | None:
        end = -1 if self._overrun else self._buffer.find(b"\n", self._searched)
        if (len(self._buffer) if end < 0 else end) > self.limit:
            # Where the next frame begins is anybody's guess from here on.
            self._overrun = True
            self._buffer.clear()
        if self._overrun:
            raise BadFrameError(reason=f"more than {self.limit} bytes", usable=False)
        if end < 0:
            self._searched = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    def _end(self) -> None:
        rest = len(self._buffer)
        self._buffer.clear()
        self._searched = 0
        if rest:
            raise BadFrameError(reason=f"cut short after {rest} bytes", usable=True)


def read_frame(line: bytes) -> dict[str, Any]:
    """The object that *line* is, without its newline. Raises `BadFrameError`."""
    try:
        frame = json.loads(line.decode("utf-8"), parse_constant=_refuse)
    except UnicodeDecodeError as exc:
        raise BadFrameError(reason=f"not UTF-8 at byte {exc.start}", usable=True) from exc
    except (ValueError, RecursionError) as exc:
        raise BadFrameError(reason=f"not JSON: {exc}", usable=True) from exc
    if not isinstance(frame, dict):
        raise BadFrameError(reason=f"a {type(frame).__name__}, not an object", usable=True)
    return frame


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")

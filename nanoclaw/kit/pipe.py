"""The line between the host and a process of its own: JSON objects and open files, over one unix socket.

Saying something never waits. What the other end does not take at once is kept, up to a bound; one that lets more than
that pile up is given up, as one that has gone.
"""

from __future__ import annotations

import array
import json
import os
import socket
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import trio
from attrs import define, field

from nanoclaw.kit.lines import BadFrameError, read_frame

READ_SIZE = 64 << 10
MOST_FRAME = 1 << 20
"""Bytes of one object."""
MOST_WAITING = 8 << 20
"""Bytes that the other end may leave untaken."""
MOST_FILES = 64
"""Open files that may come ahead of the objects they belong to."""


@define(eq=False)
class Pipe:
    """One end. One task receives, one runs `run`, anybody says."""

    _socket: socket.socket
    """Of the kind SOCK_STREAM; it belongs to this object."""
    _heard: bytearray = field(factory=bytearray, init=False)
    _files: deque[int] = field(factory=deque[int], init=False)
    _queue: deque[tuple[memoryview, Sequence[int]]] = field(factory=deque[tuple[memoryview, Sequence[int]]], init=False)
    _waiting: int = field(default=0, init=False)
    _news: trio.Event = field(factory=trio.Event, init=False)
    _over: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._socket.setblocking(False)

    def say(self, said: Mapping[str, Any], files: Sequence[int] = ()) -> bool:
        """Say one object, with open *files*, which stay ours to close. What is said to one that has gone is lost.

        Returns whether the other end can hear it and all before it by now, whatever becomes of this process.

        Raises:
          OSError: there is no descriptor left to keep a file by; nothing is said.
        """
        if self._over:
            return False
        text = json.dumps({"files": len(files), "said": said}, ensure_ascii=False, separators=(",", ":"))
        line = text.encode() + b"\n"
        if len(line) > MOST_FRAME or self._waiting + len(line) > MOST_WAITING:
            self._give_up()
            return False
        kept = list[int]()
        try:
            kept += (os.dup(file) for file in files)
        except OSError:
            for file in kept:
                os.close(file)
            raise
        self._queue.append((memoryview(line), kept))
        self._waiting += len(line)
        self._send()
        if self._queue:
            self._news.set()
        return not self._queue and not self._over

    async def run(self) -> None:
        """Send what the other end did not take at once, until cancelled."""
        while True:
            await self._news.wait()
            while self._queue:
                await trio.lowlevel.wait_writable(self._socket)
                self._send()
            self._news = trio.Event()

    async def sent(self) -> None:
        """Wait until the other end has taken all that was said, or has gone. Nobody runs `run` meanwhile."""
        await trio.lowlevel.checkpoint()
        while self._queue:
            await trio.lowlevel.wait_writable(self._socket)
            self._send()

    async def receive(self) -> tuple[dict[str, Any], list[int]] | None:
        """The next object and its open files, which are the caller's to close; None: the other end has gone.

        Raises:
          BadFrameError: it says what nobody here would.

        Cancellation: a checkpoint; nothing is lost.
        """
        await trio.lowlevel.checkpoint()
        while True:
            end = self._heard.find(b"\n")
            if end >= 0:
                line = bytes(self._heard[:end])
                del self._heard[: end + 1]
                return self._read(line)
            if len(self._heard) > MOST_FRAME or len(self._files) > MOST_FILES:
                raise BadFrameError(reason="more than is said at a time", usable=False)
            if not await self._hear():
                return None

    def end(self) -> None:
        """Say that nothing more is said; what the other end says can still be heard."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close it, with the files that nobody took."""
        self._over = True
        trio.lowlevel.notify_closing(self._socket)
        for file in (*self._files, *(file for _, files in self._queue for file in files)):
            os.close(file)
        self._files.clear()
        self._queue.clear()
        self._socket.close()

    def _read(self, line: bytes) -> tuple[dict[str, Any], list[int]]:
        match read_frame(line):
            case {"files": int(number), "said": dict(said)} if 0 <= number <= len(self._files):
                return said, [self._files.popleft() for _ in range(number)]
        raise BadFrameError(reason="not an object with its files", usable=False)

    async def _hear(self) -> bool:
        """Take in what has come; says whether the other end is there."""
        room = socket.CMSG_SPACE(MOST_FILES * array.array("i").itemsize)
        try:
            await trio.lowlevel.wait_readable(self._socket)
            data, rights, flags, _ = self._socket.recvmsg(READ_SIZE, room, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return True
        except OSError:
            return False
        for level, kind, numbers in rights:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                found = array.array("i")
                found.frombytes(numbers[: len(numbers) - len(numbers) % found.itemsize])
                self._files.extend(found)
        if flags & socket.MSG_CTRUNC:
            raise BadFrameError(reason="files that this process has no room for", usable=False)
        self._heard += data
        return bool(data)

    def _send(self) -> None:
        """Send as much as the other end takes now."""
        try:
            while self._queue:
                line, files = self._queue[0]
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else []
                sent = self._socket.sendmsg([line], rights)
                self._waiting -= sent
                for file in files:
                    os.close(file)
                # The kernel sends files along with the first byte.
                self._queue[0] = (line[sent:], ())
                if sent == len(line):
                    self._queue.popleft()
        except BlockingIOError:
            return
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        """The other end does not listen: it hears, and we hear, that this is the end."""
        self._over = True
        for _, files in self._queue:
            for file in files:
                os.close(file)
        self._queue.clear()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

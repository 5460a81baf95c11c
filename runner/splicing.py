"""Bytes carried from one socket to another by the kernel, through a pipe: this process never sees them.

Where the kernel has no such call, they are copied.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import socket

import trio
from trio.lowlevel import wait_readable, wait_writable

CHUNK = 64 << 10
"""Bytes of a piece, as many as a new pipe takes."""
LARGE_CHUNK = 1 << 20
"""The same, of whoever has moved much."""
BULK = 4 << 20
"""Bytes after which it is much: all others take no more of the kernel's memory than they have to."""
MUCH = 512 << 10
"""Bytes that came without a pause; more of them are let gather for a moment, so that fewer turns move them."""
GATHER_SECONDS = 0.001
AT_ONCE = 4
"""Pieces that are moved before others have their turn, while nothing has to be waited for."""


async def carry(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    """Pass on what comes from *source* until it ends, and that it does.

    Neither may be closed meanwhile, nor used by somebody else for the same direction.

    Raises:
      OSError, trio.BrokenResourceError: one of the two broke.

    Cancellation: what was under way is lost; both are to be closed then.
    """
    if hasattr(os, "splice"):
        await _spliced(source, sink)
    else:
        async for data in source:
            await sink.send_all(data)
    await sink.send_eof()


async def _spliced(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    """Let the kernel pass on what comes, through a pipe: this process never sees it. Raises `OSError`."""
    near, far, most, whole, run = source.socket.fileno(), sink.socket.fileno(), CHUNK, 0, 0
    out_of, into = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        for turn in itertools.count():
            if turn % AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            while (number := _move(near, into, most)) is None:
                if most > CHUNK and run >= MUCH:
                    await trio.sleep(GATHER_SECONDS)
                else:
                    await wait_readable(near)
                run = 0
            if number == 0:
                return
            whole, run = whole + number, run + number
            while number:
                if (gone := _move(out_of, far, number)) is None:
                    await wait_writable(far)
                else:
                    number -= gone
            if most == CHUNK and whole >= BULK:
                most = LARGE_CHUNK
                _make_room(into, sink.socket)
    finally:
        os.close(out_of)
        os.close(into)


def _make_room(pipe: int, sink: trio.socket.SocketType) -> None:
    """Let more be under way at once, as far as the kernel allows: each piece wakes whoever waits for it."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, LARGE_CHUNK)
    # The kernel finds out by itself how much suits a connection of TCP.
    if sink.family == socket.AF_UNIX:
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGE_CHUNK)


def _move(source: int, sink: int, most: int) -> int | None:
    """How many bytes were moved; 0: there are no more; None: it has to be waited for."""
    try:
        return os.splice(source, sink, most, flags=os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK)
    except BlockingIOError:
        return None

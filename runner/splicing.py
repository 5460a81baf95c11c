"""Bytes carried from one socket to another by the kernel, through a pipe: this process never sees them.

Where the kernel has no such call, they are copied.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
from collections.abc import Awaitable, Callable
from functools import partial

import trio
from trio.lowlevel import wait_readable, wait_writable

CHUNK = 256 << 10
AT_ONCE = 8
"""Pieces that are moved before others have their turn, while nothing has to be waited for."""


async def carry(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    """Pass on what comes from *source* until it ends, and that it does.

    Neither may be closed meanwhile, nor used by somebody else for the same direction.

    Raises:
      OSError, trio.BrokenResourceError: one of the two broke.

    Cancellation: what was under way is lost; both are to be closed then.
    """
    if hasattr(os, "splice"):
        await _spliced(source.socket.fileno(), sink.socket.fileno())
    else:
        async for data in source:
            await sink.send_all(data)
    await sink.send_eof()


async def _spliced(source: int, sink: int) -> None:
    out_of, into = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        # A smaller one, where the user has many already, is as good.
        with contextlib.suppress(OSError):
            fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, CHUNK)
        there_is, there_is_room = partial(wait_readable, source), partial(wait_writable, sink)
        for turn in itertools.count():
            if turn % AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            if not (number := await _moved(source, into, CHUNK, there_is)):
                break
            while number:
                number -= await _moved(out_of, sink, number, there_is_room)
    finally:
        os.close(out_of)
        os.close(into)


async def _moved(source: int, sink: int, most: int, wait: Callable[[], Awaitable[None]]) -> int:
    """How many bytes were moved; 0: there are no more. A checkpoint only if it has to wait."""
    while True:
        try:
            return os.splice(source, sink, most, flags=os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK)
        except OSError as exc:
            if exc.errno != errno.EAGAIN:
                raise
        await wait()

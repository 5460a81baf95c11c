"""Two connections joined: what comes of one goes to the other, and no more is kept than the piece under way."""

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
IDLE_SECONDS = 600.0
"""How long nothing may move in either direction; longer than OneCLI waits for anybody's decision."""

_has_splice = hasattr(os, "splice")


class Stopped(Exception):  # noqa: N818 - it is no error: it is how a count says that it is enough
    """There is to be no more of it; `str()` says why."""


def nothing(_: int) -> None:
    """Counts nothing."""


async def join(
    inside: trio.abc.Stream,
    outside: trio.abc.Stream,
    *,
    sent: Callable[[int], None] = nothing,
    received: Callable[[int], None] = nothing,
) -> None:
    """Carry bytes until both sides have ended, one breaks, or nothing moves any more. Closes *outside*.

    Args:
      inside: The sandbox's.
      outside: Where it leads.
      sent: Told how many bytes go out, before they do.
      received: The same of bytes that come in.

    Raises:
      Stopped: one of the two said so.

    Cancellation: *outside* is closed at once.
    """
    stopped: Stopped | None = None
    try:
        with trio.move_on_after(IDLE_SECONDS) as moving:

            async def one_way(source: trio.abc.Stream, sink: trio.abc.Stream, count: Callable[[int], None]) -> None:
                nonlocal stopped
                try:
                    await _copy(source, sink, moving, count)
                except Stopped as exc:
                    stopped = exc
                    moving.cancel()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(one_way, inside, outside, sent)
                nursery.start_soon(one_way, outside, inside, received)
    finally:
        await trio.aclose_forcefully(outside)
    if stopped is not None:
        raise stopped


async def _copy(
    source: trio.abc.Stream, sink: trio.abc.Stream, moving: trio.CancelScope, count: Callable[[int], None]
) -> None:
    """Pass on what comes, and that nothing more does. One that breaks ends both directions."""

    def moved(number: int) -> None:
        count(number)
        moving.deadline = trio.current_time() + IDLE_SECONDS

    try:
        if _has_splice and isinstance(source, trio.SocketStream) and isinstance(sink, trio.SocketStream):
            await _spliced(source.socket.fileno(), sink.socket.fileno(), moved)
        else:
            while data := await source.receive_some(CHUNK):
                moved(len(data))
                await sink.send_all(data)
        if isinstance(sink, trio.abc.HalfCloseableStream):
            await sink.send_eof()
            return
    except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
        pass  # Whoever has gone needs nothing more.
    moving.cancel()


async def _spliced(source: int, sink: int, moved: Callable[[int], None]) -> None:
    """Let the kernel pass on what comes, through a pipe: this process never sees it. Raises `OSError`."""
    out_of, into = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        # A smaller one, where the user has many already, is as good.
        with contextlib.suppress(OSError):
            fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, CHUNK)
        there_is, there_is_room = partial(wait_readable, source), partial(wait_writable, sink)
        for turn in itertools.count():
            if turn % AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            if not (number := await _move(source, into, CHUNK, there_is)):
                break
            moved(number)
            while number:
                number -= await _move(out_of, sink, number, there_is_room)
    finally:
        os.close(out_of)
        os.close(into)


async def _move(source: int, sink: int, most: int, wait: Callable[[], Awaitable[None]]) -> int:
    """How many bytes were moved; 0: there are no more. A checkpoint only if it has to wait."""
    while True:
        try:
            return os.splice(source, sink, most, flags=os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK)
        except OSError as exc:
            if exc.errno != errno.EAGAIN:
                raise
        await wait()

"""Two connections joined: what comes of one goes to the other, and no more is kept than the piece under way."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import socket
from collections.abc import Callable

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
            await _spliced(source, sink, moved)
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


async def _spliced(source: trio.SocketStream, sink: trio.SocketStream, moved: Callable[[int], None]) -> None:
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
            moved(number)
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

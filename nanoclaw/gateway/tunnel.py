"""One connection from a sandbox to OneCLI's proxy, carried byte by byte: what is asked there is between the two.

It leads to that one place. Nothing is kept but the piece that is under way in each direction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import trio

from nanoclaw.core.endpoints import Endpoint
from nanoclaw.gateway.dial import Dial, UnreachableError
from nanoclaw.gateway.splice import CHUNK, join

HEAD_SECONDS = 10.0
"""For the beginning of a request that is answered here."""

FindProxy: TypeAlias = Callable[[], Awaitable[Endpoint]]
"""Where the proxy is. Raises `UnreachableError`. A checkpoint."""
Note: TypeAlias = Callable[[int, str], None]
"""Told of every connection that is answered here instead of there: the status, and why."""


async def carry(inside: trio.SocketStream, *, find: FindProxy, dial: Dial, note: Note) -> None:
    """Carry one connection until both sides have ended, one breaks, or nothing moves any more. Closes it.

    Cancellation: both connections are closed at once.
    """
    try:
        try:
            outside = await dial(await find())
        except UnreachableError as exc:
            note(502, str(exc))
            await _refuse(inside, str(exc))
        else:
            await join(inside, outside)
    finally:
        await trio.aclose_forcefully(inside)


async def _refuse(inside: trio.SocketStream, why: str) -> None:
    """Say that there is no proxy, to whoever asks it for something."""
    body = f"nanoclaw: OneCLI's proxy cannot be reached: {why}\n".encode()
    head = b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    with trio.move_on_after(HEAD_SECONDS):
        try:
            # An answer to one who is still asking could be lost with the connection.
            await inside.receive_some(CHUNK)
            await inside.send_all(head % len(body) + body)
            await inside.send_eof()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

"""Hears calls: one to a connection, so many connections at a time, and nobody keeps one for longer than they need.

Whoever is not heard to the end, or is too much, is told so and cut off. What is refused is not read any further.
"""

from __future__ import annotations

import errno
import http
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Never

import h11
import structlog
import trio
from attrs import define, field, frozen

from nanoclaw.channels.webhook.signatures import MOST_BODY, Head, Headers, Refused, too_large

log = structlog.get_logger()

MOST_HEAD = 16 << 10
CHUNK = 64 << 10
BACKLOG = 128
FULL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
FULL_PAUSE = 0.1


@frozen(kw_only=True)
class Bounds:
    """How much is heard, and for how long. Times are seconds."""

    connections: int = 64
    """At a time; others wait to be taken."""
    head: float = 5.0
    body: float = 10.0
    take: float = 20.0
    """From there until it is stored."""
    answer: float = 5.0


@frozen
class Answer:
    """What the caller is told."""

    status: int
    said: str = ""


Judge = Callable[[Head], "Refused | None"]
"""Looks at the head alone."""
Take = Callable[[Head, bytes], Awaitable[Answer]]
"""Returns once a whole call is done with. What it raises is for whoever serves."""


SLOW = Answer(408, "this took too long")


class _TooLargeError(Exception):
    """There is more of it than is heard."""


@define(eq=False)
class Server:
    """Serves calls on one listener."""

    _judge: Judge
    _take: Take
    _note: Callable[[str, Refused], None]
    """Told of the path and the reason of what is refused here."""
    _bounds: Bounds
    _open: trio.CapacityLimiter = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._open = trio.CapacityLimiter(self._bounds.connections)

    async def run(self, listener: trio.SocketListener) -> Never:
        """Take connections until cancelled; those that are open are closed then."""
        async with trio.open_nursery() as nursery:
            while True:
                place = object()
                await self._open.acquire_on_behalf_of(place)
                stream = await self._accept(listener)
                nursery.start_soon(self._serve, stream, place)

    def _refuse(self, head: Head | None, refused: Refused) -> Answer:
        self._note("" if head is None else head.path, refused)
        return Answer(refused.status, refused.why)

    async def _accept(self, listener: trio.SocketListener) -> trio.SocketStream:
        while True:
            try:
                return await listener.accept()
            except OSError as exc:
                if exc.errno not in FULL:
                    raise
                log.warning("webhook_no_more_descriptors", why=str(exc))
                await trio.sleep(FULL_PAUSE)

    async def _serve(self, stream: trio.SocketStream, place: object) -> None:
        wire = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)
        try:
            answer = await self._hear(wire, stream)
            if answer is not None:
                with trio.move_on_after(self._bounds.answer):
                    await _say(wire, stream, answer)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            log.debug("webhook_left")
        finally:
            await trio.aclose_forcefully(stream)
            self._open.release_on_behalf_of(place)

    async def _hear(self, wire: h11.Connection, stream: trio.SocketStream) -> Answer | None:
        """One call, from its first byte to what it is told; None: whoever it was has left."""
        head, body = None, b""
        try:
            with trio.move_on_after(self._bounds.head) as limit:
                head = await _head(wire, stream)
            if head is None:
                return SLOW if limit.cancelled_caught else None
            refused = self._judge(head)
            if refused is not None:
                return self._refuse(head, refused)
            with trio.move_on_after(self._bounds.body) as limit:
                body = await _body(wire, stream)
            if limit.cancelled_caught:
                return SLOW
            with trio.fail_after(self._bounds.take):
                return await self._take(head, body)
        except h11.RemoteProtocolError as exc:
            return Answer(exc.error_status_hint, "this is not understood")
        except _TooLargeError:
            return self._refuse(head, too_large())
        except trio.TooSlowError:
            return Answer(503, "it could not be stored just now")


async def _next(wire: h11.Connection, stream: trio.SocketStream) -> object:
    while (event := wire.next_event()) is h11.NEED_DATA:
        if wire.they_are_waiting_for_100_continue:
            await stream.send_all(wire.send(h11.InformationalResponse(status_code=100, headers=[])))
        wire.receive_data(bytes(await stream.receive_some(CHUNK)))
    await trio.lowlevel.checkpoint()
    return event


async def _head(wire: h11.Connection, stream: trio.SocketStream) -> Head | None:
    request = await _next(wire, stream)
    if not isinstance(request, h11.Request):
        return None
    path = request.target.decode("ascii", "replace").partition("?")[0]
    return Head(method=request.method.decode("ascii"), path=path, headers=_headers(request.headers))


def _headers(said: Iterable[tuple[bytes, bytes]]) -> Headers:
    """What was said once: of what was said twice, nobody knows which is meant."""
    found: dict[str, list[str]] = {}
    for name, value in said:
        found.setdefault(name.decode("ascii").lower(), []).append(value.decode("latin-1"))
    return {name: values[0] for name, values in found.items() if len(values) == 1}


async def _body(wire: h11.Connection, stream: trio.SocketStream) -> bytes:
    """All of it. Raises `_TooLargeError` as soon as it is too much."""
    body = bytearray()
    while isinstance(more := await _next(wire, stream), h11.Data):
        body += more.data
        if len(body) > MOST_BODY:
            raise _TooLargeError
    if not isinstance(more, h11.EndOfMessage):
        raise trio.BrokenResourceError
    return bytes(body)


async def _say(wire: h11.Connection, stream: trio.SocketStream, answer: Answer) -> None:
    said = f"{answer.said}\n".encode() if answer.said else b""
    phrase = http.HTTPStatus(answer.status).phrase
    headers = [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", str(len(said))),
        ("cache-control", "no-store"),
        ("connection", "close"),
        *([("allow", "POST")] if answer.status == 405 else []),
    ]
    with suppress(h11.LocalProtocolError):
        # Who left in the middle of a call cannot be told anything.
        head = wire.send(h11.Response(status_code=answer.status, headers=headers, reason=phrase))
        body = wire.send(h11.Data(data=said)) + wire.send(h11.EndOfMessage())
        await stream.send_all(head + body)
        # What is closed with bytes unread is reset, and the answer with it.
        await stream.send_eof()
        await _drain(stream)


async def _drain(stream: trio.SocketStream) -> None:
    """Hear what is still coming, up to a bound, so that the answer is not lost."""
    heard = 0
    while heard < MOST_BODY and (data := await stream.receive_some(CHUNK)):
        heard += len(data)

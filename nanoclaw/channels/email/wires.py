"""Connections that blocking libraries use in threads, so made that whoever waits for one can be cancelled.

The connection is made by Trio and handed to the library. Work on it is done in a thread, and waited for; a cancellation
cuts the connection, so that the work ends at once, whatever it was waiting for.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Callable
from socket import SHUT_RDWR, socket
from typing import TypeVar
from urllib.parse import urlsplit

import outcome
import trio
from attrs import define, field, frozen

from nanoclaw.core.notices import plain as without_controls
from nanoclaw.errors import DeliveryError, UsageError
from nanoclaw.model.ids import ChannelName

T = TypeVar("T")

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
CONNECT_SECONDS = 20.0
ANSWER_SECONDS = 60.0
"""For each answer of a server."""


@frozen(kw_only=True)
class Server:
    """Where a mail server is, and how it is spoken to."""

    host: str
    port: int
    tls: bool
    """From the first byte on."""
    starttls: bool
    """After a greeting in the open; nothing is said before it is there."""


def server(url: str, *, plain: str, secure: str, ports: tuple[int, int]) -> Server:
    """The server at *url*, whose scheme is *plain* or *secure*, with those *ports* where it names none.

    Raises `UsageError`. Only this machine itself is spoken to without TLS.
    """
    example = f"{secure}://mail.example.org, or {plain}://mail.example.org, which begins TLS by STARTTLS"
    parts = urlsplit(url.strip())
    try:
        port, host = parts.port, parts.hostname
    except ValueError:
        port, host = None, None
    more = parts.path.strip("/") or parts.query or parts.username or parts.password
    if parts.scheme not in {plain, secure} or not host or more:
        raise UsageError(f"{url!r} is no address of a mail server: {example}")
    tls = parts.scheme == secure
    default = ports[1] if tls else ports[0]
    return Server(host=host, port=port or default, tls=tls, starttls=not tls and host not in LOOPBACK)


def tls_context() -> ssl.SSLContext:
    """What verifies a server: this machine's authorities, and its name. Blocks."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@define(eq=False)
class Wire:
    """One connection."""

    line: socket
    """For the library. It has a timeout for each answer."""
    _cutter: socket
    """The same connection by another descriptor, as TLS takes the first one over."""
    _busy: trio.Lock = field(factory=trio.Lock, init=False)
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    async def run(self, work: Callable[[], T]) -> T:
        """Do *work*, which uses the connection, in a thread; one after the other. Returns or raises what it does.

        Cancellation: cuts the connection, and waits for the work to notice.
        """
        async with self._busy:
            over = False
            async with trio.open_nursery() as nursery:

                async def cut_if_cancelled() -> None:
                    try:
                        await trio.sleep_forever()
                    finally:
                        if not over:
                            self.cut()

                nursery.start_soon(cut_if_cancelled)
                done = await trio.to_thread.run_sync(outcome.capture, work, limiter=self._limiter)
                over = True
                nursery.cancel_scope.cancel()
        await trio.lowlevel.checkpoint_if_cancelled()
        return done.unwrap()

    def cut(self) -> None:
        """End the connection now; whatever waits for it fails. Never blocks."""
        with contextlib.suppress(OSError):
            self._cutter.shutdown(SHUT_RDWR)

    def close(self) -> None:
        """End the connection, and give its descriptors back. Never blocks."""
        self.cut()
        for one in (self._cutter, self.line):
            with contextlib.suppress(OSError):
                one.close()


async def connect(channel: ChannelName, where: Server) -> Wire:
    """A connection, before any TLS. Raises `DeliveryError`, also where it takes too long."""
    try:
        with trio.fail_after(CONNECT_SECONDS):
            stream = await trio.open_tcp_stream(where.host, where.port)
    except (OSError, trio.TooSlowError) as exc:
        late = f"no connection within {CONNECT_SECONDS:g} s"
        words = late if isinstance(exc, trio.TooSlowError) else str(exc) or type(exc).__name__
        why = f"{where.host}:{where.port} cannot be reached: {without_controls(words)}"
        raise DeliveryError(channel=channel, why=why, retryable=True) from None
    descriptor = stream.socket.fileno()
    ours, cutter = (socket(fileno=os.dup(descriptor)) for _ in range(2))
    stream.socket.close()
    ours.settimeout(ANSWER_SECONDS)
    return Wire(ours, cutter)

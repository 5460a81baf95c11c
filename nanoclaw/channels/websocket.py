"""A websocket of a platform's, text both ways; whatever goes wrong is a `DeliveryError`, or says that it was closed."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import trio
from attrs import define
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, wrap_client_stream

from nanoclaw.channels.http import CONNECT_SECONDS, trusted_authorities
from nanoclaw.channels.reading import whole
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import ChannelName

Stream: TypeAlias = trio.SocketStream | trio.SSLStream[trio.SocketStream]

LEAVE_SECONDS = 2.0
"""For a polite end."""
SEND_SECONDS = 20.0
PORTS = {"ws": 80, "wss": 443}
MOST_MESSAGE = 16 << 20
"""Bytes of one message: what a platform tells about a large community at once."""


@define
class ClosedError(Exception):
    """The other end closed the connection, or it broke."""

    code: int | None
    """Of the close; None: it broke without one."""


@define(eq=False)
class Socket:
    """An open one. One task may hear and others send, at once."""

    channel: ChannelName
    _connection: WebSocketConnection

    async def hear(self) -> dict[str, Any]:
        """The next message, a JSON object. Raises `ClosedError`, `DeliveryError`."""
        try:
            text = await self._connection.get_message()
        except ConnectionClosed as exc:
            raise ClosedError(None if exc.reason is None else exc.reason.code) from None
        try:
            value = whole(json.loads(text), text)
        except (ValueError, RecursionError) as exc:
            why = f"what it says is no JSON: {type(exc).__name__}"
            raise DeliveryError(channel=self.channel, why=why, retryable=True) from None
        if not isinstance(value, dict):
            raise DeliveryError(channel=self.channel, why="what it says is no JSON object", retryable=True)
        return value

    async def say(self, text: str) -> None:
        """Send *text*. Raises `ClosedError`, or `DeliveryError` where nobody takes it."""
        try:
            with trio.fail_after(SEND_SECONDS):
                await self._connection.send_message(text)
        except ConnectionClosed as exc:
            raise ClosedError(None if exc.reason is None else exc.reason.code) from None
        except trio.TooSlowError:
            raise DeliveryError(channel=self.channel, why="takes nothing any more", retryable=True) from None

    async def probe(self) -> None:
        """Ask whether the other end is there, and wait until it says so. Raises `ClosedError`."""
        try:
            await self._connection.ping()
        except ConnectionClosed as exc:
            raise ClosedError(None if exc.reason is None else exc.reason.code) from None

    async def close(self, code: int) -> None:
        """End it with that code; returns at the latest after `LEAVE_SECONDS`."""
        with trio.move_on_after(LEAVE_SECONDS):
            await self._connection.aclose(code)


@asynccontextmanager
async def open_socket(channel: ChannelName, url: str) -> AsyncGenerator[Socket]:
    """A connection to *url*, closed in the end.

    Raises `DeliveryError` where there is none, in a group; it never says the url, which may have secrets in it.
    """
    stream = await _connect(channel, url)
    parts = urlsplit(url)
    resource = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        async with trio.open_nursery() as nursery:
            connection = await _shake_hands(channel, nursery, stream, parts.netloc, resource)
            try:
                yield Socket(channel, connection)
            finally:
                with trio.move_on_after(LEAVE_SECONDS):
                    await connection.aclose()
                nursery.cancel_scope.cancel()
    finally:
        # The library leaves it open where the other end just went.
        await trio.aclose_forcefully(stream)


async def _shake_hands(
    channel: ChannelName, nursery: trio.Nursery, stream: Stream, host: str, resource: str
) -> WebSocketConnection:
    try:
        with trio.fail_after(CONNECT_SECONDS):
            return await wrap_client_stream(nursery, stream, host, resource, max_message_size=MOST_MESSAGE)
    except (HandshakeError, ConnectionClosed, trio.TooSlowError) as exc:
        raise _no_socket(channel, exc) from None


async def _connect(channel: ChannelName, url: str) -> Stream:
    try:
        parts = urlsplit(url)
        secure, host, port = parts.scheme == "wss", parts.hostname, parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        secure, host, port = True, None, 0
    if host is None:
        raise DeliveryError(channel=channel, why="its address of a websocket is none", retryable=False)
    try:
        with trio.fail_after(CONNECT_SECONDS):
            tcp = await trio.open_tcp_stream(host, port)
            if not secure:
                return tcp
            trusted = await trio.to_thread.run_sync(trusted_authorities)
            tls = trio.SSLStream(tcp, trusted, server_hostname=host, https_compatible=True)
            try:
                await tls.do_handshake()
            except BaseException:
                await trio.aclose_forcefully(tcp)
                raise
            return tls
    except (OSError, trio.BrokenResourceError, trio.TooSlowError) as exc:
        raise _no_socket(channel, exc) from None


def _no_socket(channel: ChannelName, exc: Exception) -> DeliveryError:
    why = f"no websocket: {type(exc.__cause__ or exc).__name__}"
    return DeliveryError(channel=channel, why=why, retryable=True)

"""Slack's socket mode on loopback (docs.slack.dev/apis/events-api/using-socket-mode).

Hello, envelopes that are told again until they are acknowledged, and a disconnect that is announced.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

PATIENCE_SECONDS = 20.0


@define(eq=False)
class FakeSocket:
    """All connections of one app."""

    url: str = field(default="", init=False)
    hello: bool = True
    acknowledged: set[str] = field(factory=set[str], init=False)
    unacknowledged: dict[str, dict[str, Any]] = field(factory=dict[str, dict[str, Any]], init=False)
    connections: int = field(default=0, init=False)
    """How many there have been."""
    _open: list[WebSocketConnection] = field(factory=list[WebSocketConnection], init=False)
    _count: int = field(default=0, init=False)
    _moved: trio.Event = field(factory=trio.Event, init=False)
    _turn: trio.Lock = field(factory=trio.Lock, init=False)
    """What is told again to a new connection comes before what is new."""

    async def tell(self, kind: str, payload: Mapping[str, Any]) -> str | None:
        """Tell *payload* to one connection; the envelope's id, or None: nobody is there, and it is not told."""
        async with self._turn:
            if not self._open:
                return None
            self._count += 1
            name = f"envelope-{self._count}"
            envelope = {"envelope_id": name, "type": kind, "payload": payload, "accepts_response_payload": False}
            self.unacknowledged[name] = envelope
            await _say(self._open[-1], envelope)
            return name

    async def say(self, message: Mapping[str, Any]) -> None:
        """Say anything at all to all."""
        for connection in list(self._open):
            await _say(connection, message)

    async def disconnect(self, reason: str) -> None:
        """Announce the end of a connection, and end it."""
        for connection in list(self._open):
            await _say(connection, {"type": "disconnect", "reason": reason, "debug_info": {"host": "wss-1"}})

    async def drop(self) -> None:
        """Cut all connections."""
        for connection in list(self._open):
            self._open.remove(connection)
            stream = connection._stream
            assert isinstance(stream, trio.SocketStream)
            with suppress(OSError):
                stream.socket.shutdown(trio.socket.SHUT_RDWR)
        await trio.lowlevel.checkpoint()

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until something is so. Raises `TooSlowError`."""
        with trio.fail_after(PATIENCE_SECONDS):
            while not ready():
                await self._moved.wait()

    async def serve(self, request: WebSocketRequest) -> None:
        """Talk with one client."""
        connection = await request.accept()
        self.connections += 1
        async with self._turn:
            if self.hello:
                await _say(connection, {"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}})
            for envelope in list(self.unacknowledged.values()):
                await _say(connection, {**envelope, "retry_attempt": 1, "retry_reason": "timeout"})
            self._open.append(connection)
        self._move()
        try:
            while True:
                message = json.loads(await connection.get_message())
                self.acknowledged.add(message["envelope_id"])
                self.unacknowledged.pop(message["envelope_id"], None)
                self._move()
        except ConnectionClosed:
            pass
        finally:
            if connection in self._open:
                self._open.remove(connection)
            self._move()

    def _move(self) -> None:
        self._moved.set()
        self._moved = trio.Event()


@asynccontextmanager
async def serving_socket(socket: FakeSocket) -> AsyncGenerator[FakeSocket]:
    """*socket* in this loop, until left."""
    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(serve_websocket, socket.serve, "127.0.0.1", 0, None))
        socket.url = f"ws://127.0.0.1:{server.port}/link/?ticket=secret"
        yield socket
        nursery.cancel_scope.cancel()


async def _say(connection: WebSocketConnection, message: Mapping[str, Any]) -> None:
    with suppress(ConnectionClosed):
        await connection.send_message(json.dumps(message))

"""Discord's gateway on loopback: hello, identify, resume, heartbeats, and events with numbers.

As discord.com/developers/docs has it: events/gateway (connection lifecycle), events/gateway-events, and
topics/opcodes-and-status-codes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import trio
from attrs import define, field
from trio_websocket import CloseReason, ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

MESSAGE_CONTENT = 1 << 15
PATIENCE_SECONDS = 20.0


@define(eq=False)
class FakeGateway:
    """One session at a time, and all that was told in it."""

    token: str
    ready: dict[str, Any]
    """What a new session is told first, without its own names."""
    welcome: list[tuple[str, dict[str, Any]]] = field(factory=list[tuple[str, dict[str, Any]]])
    """The events that follow it."""
    url: str = field(default="", init=False)
    heartbeat_ms: int = 41_250
    answers_heartbeats: bool = True
    allowed_intents: int = -1
    remembers: bool = True
    """Can sessions be resumed?"""
    said: list[dict[str, Any]] = field(factory=list[dict[str, Any]], init=False)
    """All that clients said."""
    told: list[dict[str, Any]] = field(factory=list[dict[str, Any]], init=False)
    """The events of the session."""
    sessions: int = field(default=0, init=False)
    codes: list[int | None] = field(factory=list[int | None], init=False)
    """With which clients have closed."""
    _open: dict[WebSocketConnection, bool] = field(factory=dict[WebSocketConnection, bool], init=False)
    """Connections, and whether they hear events."""
    _moved: trio.Event = field(factory=trio.Event, init=False)

    async def dispatch(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tell *kind* to whoever hears, and to whoever resumes."""
        event = {"op": 0, "t": kind, "s": len(self.told) + 1, "d": data}
        self.told.append(event)
        for connection in [one for one, hears in self._open.items() if hears]:
            await _say(connection, event)

    async def send(self, message: Mapping[str, Any]) -> None:
        """Say anything at all to all clients."""
        for connection in list(self._open):
            await _say(connection, message)

    async def close(self, code: int) -> None:
        """End all connections with *code*."""
        for connection in list(self._open):
            await connection.aclose(code)

    async def drop(self) -> None:
        """Cut all connections."""
        for connection in list(self._open):
            self._open.pop(connection)
            stream = connection._stream
            assert isinstance(stream, trio.SocketStream)
            with suppress(OSError):  # it may be gone already
                stream.socket.shutdown(trio.socket.SHUT_RDWR)
        await trio.lowlevel.checkpoint()

    @property
    def hearing(self) -> bool:
        """Is somebody there who hears events?"""
        return any(self._open.values())

    def ops(self) -> list[int]:
        """The opcodes that clients said, without heartbeats."""
        return [one["op"] for one in self.said if one["op"] != 1]

    async def until(self, ready: Any) -> None:
        """Wait until something is so. Raises `TooSlowError`."""
        with trio.fail_after(PATIENCE_SECONDS):
            while not ready():
                await self._moved.wait()

    async def serve(self, request: WebSocketRequest) -> None:
        """Talk with one client."""
        connection = await request.accept()
        self._open[connection] = False
        self._move()
        try:
            await _say(connection, {"op": 10, "d": {"heartbeat_interval": self.heartbeat_ms}, "s": None, "t": None})
            while True:
                message = json.loads(await connection.get_message())
                self.said.append(message)
                await self._answer(connection, message)
                self._move()
        except ConnectionClosed as exc:
            reason: CloseReason | None = exc.reason
            self.codes.append(None if reason is None else reason.code)
        finally:
            self._open.pop(connection, None)
            self._move()

    async def _answer(self, connection: WebSocketConnection, message: Mapping[str, Any]) -> None:
        data = message["d"]
        match message["op"]:
            case 1:
                if self.answers_heartbeats:
                    await _say(connection, {"op": 11, "d": None, "s": None, "t": None})
            case 2 | 6 if data["token"] != self.token:
                await connection.aclose(4004, "Authentication failed.")
            case 2 if data["intents"] & ~self.allowed_intents:
                await connection.aclose(4014, "Disallowed intent(s).")
            case 2:
                await self._identify(connection)
            case 6:
                await self._resume(connection, data)
            case _:
                await connection.aclose(4001, "Unknown opcode.")

    async def _identify(self, connection: WebSocketConnection) -> None:
        self.sessions += 1
        self.told = []
        self._open[connection] = True
        names = {"session_id": f"session-{self.sessions}", "resume_gateway_url": self.url}
        await self.dispatch("READY", {**self.ready, **names, "v": 10})
        for kind, data in list(self.welcome):
            await self.dispatch(kind, data)

    async def _resume(self, connection: WebSocketConnection, data: Mapping[str, Any]) -> None:
        if not self.remembers or data["session_id"] != f"session-{self.sessions}" or data["seq"] > len(self.told):
            await _say(connection, {"op": 9, "d": False, "s": None, "t": None})
            return
        told = data["seq"]
        while told < len(self.told):  # more may happen meanwhile
            await _say(connection, self.told[told])
            told += 1
        self._open[connection] = True
        await self.dispatch("RESUMED", {})

    def _move(self) -> None:
        self._moved.set()
        self._moved = trio.Event()


@asynccontextmanager
async def serving_gateway(gateway: FakeGateway) -> AsyncGenerator[FakeGateway]:
    """*gateway* in this loop, until left."""
    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(serve_websocket, gateway.serve, "127.0.0.1", 0, None))
        gateway.url = f"ws://127.0.0.1:{server.port}"
        yield gateway
        nursery.cancel_scope.cancel()


async def _say(connection: WebSocketConnection, message: Mapping[str, Any]) -> None:
    with suppress(ConnectionClosed):
        await connection.send_message(json.dumps(message))

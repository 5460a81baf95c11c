"""A model's end of the wire that a test holds in its hands, and a client's on the gateway's socket."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Self, TypeAlias

import h11
import trio
from attrs import define, field, frozen

from nanoclaw.core.endpoints import BadEndpoint, Endpoint, read_endpoint
from nanoclaw.core.model_requests import Key
from nanoclaw.gateway.dial import Dial, dial
from nanoclaw.gateway.gateway import Gateway, Way
from nanoclaw.gateway.process import GatewayProcess
from nanoclaw.gateway.wire import GoneError, Wire, client, server
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.ids import SessionId
from schema.files import GATEWAY_SOCKET

PATIENCE = 60.0


@frozen(kw_only=True)
class Request:
    """A whole request, as it came."""

    target: bytes
    headers: dict[bytes, bytes]
    body: bytes


Answerer: TypeAlias = Callable[["Line"], Awaitable[None]]


@define(eq=False)
class Line:
    """One connection that was taken."""

    wire: Wire
    requests: list[Request] = field(factory=list[Request])

    async def hear(self) -> Request:
        """The next request, all of it."""
        request = await self.next_request()
        assert request is not None
        return request

    async def next_request(self) -> Request | None:
        """The same; None if there is none any more."""
        event = await self.wire.receive(PATIENCE)
        if not isinstance(event, h11.Request):
            return None
        body = bytearray()
        while isinstance(more := await self.wire.receive(PATIENCE), h11.Data):
            body += more.data
        found = Request(target=event.target, headers=dict(event.headers), body=bytes(body))
        self.requests.append(found)
        return found

    async def say(self, *pieces: bytes, status: int = 200, **headers: str) -> None:
        """Answer with *pieces*, and be ready for the next request."""
        await self.begin(status=status, **headers)
        for piece in pieces:
            await self.wire.send(h11.Data(data=piece))
        await self.wire.send(h11.EndOfMessage())
        self.wire.next_message()

    async def begin(self, *, status: int = 200, **headers: str) -> None:
        """Begin an answer."""
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        await self.wire.send(h11.Response(status_code=status, headers=named))


async def echo(line: Line) -> None:
    """Says again what it was told, for as long as somebody asks."""
    while (request := await line.next_request()) is not None:
        await line.say(request.body, content_type="text/plain")


@define(eq=False)
class Upstream:
    """Where a model would be."""

    url: str
    lines: list[Line] = field(factory=list[Line])

    @property
    def endpoint(self) -> Endpoint:
        """The same, read."""
        found = read_endpoint(self.url)
        assert isinstance(found, Endpoint)
        return found


@asynccontextmanager
async def open_upstream(answer: Answerer) -> AsyncIterator[Upstream]:
    """A server on loopback whose every connection is *answer*'s."""
    upstream = Upstream("")

    async def serve(stream: trio.SocketStream) -> None:
        line = Line(server(stream))
        upstream.lines.append(line)
        # Whoever leaves in the middle is what some tests are about.
        with suppress(GoneError):
            async with stream:
                await answer(line)

    async with trio.open_nursery() as nursery:
        (listener, *_) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        upstream.url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        yield upstream
        nursery.cancel_scope.cancel()


@frozen(kw_only=True)
class Heard:
    """A whole answer."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def error(self) -> dict[str, str]:
        """What went wrong, as this API says it."""
        found = json.loads(self.body)
        assert found["type"] == "error"
        return dict(found["error"])


@define(eq=False)
class Caller:
    """A program in a sandbox."""

    wire: Wire

    async def ask(self, *body: bytes, target: str = "/v1/messages", **headers: str) -> Heard:
        """One request, and its whole answer."""
        await self.begin(*body, target=target, **headers)
        return await self.hear()

    async def begin(self, *body: bytes, target: str = "/v1/messages", method: str = "POST", **headers: str) -> None:
        """Say a request."""
        named = [("host", "127.0.0.1"), *((name.replace("_", "-"), value) for name, value in headers.items())]
        framing = [] if "content_length" in headers or method == "GET" else [("transfer-encoding", "chunked")]
        await self.wire.send(h11.Request(method=method, target=target, headers=[*named, *framing]))
        for piece in body:
            await self.wire.send(h11.Data(data=piece))
        await self.wire.send(h11.EndOfMessage())

    async def head(self) -> h11.Response:
        """The beginning of an answer."""
        while not isinstance(event := await self.wire.receive(PATIENCE), h11.Response):
            assert isinstance(event, h11.InformationalResponse), event
        return event

    async def hear(self) -> Heard:
        """An answer, all of it."""
        head = await self.head()
        body = b""
        while isinstance(more := await self.wire.receive(PATIENCE), h11.Data):
            body += more.data
        self.wire.next_message()
        return Heard(status=head.status_code, headers=dict(head.headers), body=body)


@define(eq=False)
class Gate:
    """A running gateway, or one apart, and the folder that its ways are in."""

    gateway: Gateway | GatewayProcess
    folder: Path
    keys: dict[str, Key] = field(factory=dict[str, Key])
    _callers: AsyncExitStack = field(factory=AsyncExitStack, init=False)

    def way(self, endpoint: Endpoint | BadEndpoint, session: str = "ses-1") -> Way:
        """A session's."""
        folder = self.folder / session
        folder.mkdir(exist_ok=True)
        return Way(session=SessionId(session), folder=folder, owner=None, endpoint=endpoint)

    async def caller(self, session: str = "ses-1") -> Caller:
        """A program in that session's sandbox."""
        stream = await self._callers.enter_async_context(await connect(self.folder / session))
        return Caller(client(stream))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._callers.aclose()


async def connect(folder: Path) -> trio.SocketStream:
    """A connection to the socket in *folder*."""
    there = os.open(folder, os.O_PATH)
    try:
        return await trio.open_unix_socket(f"/proc/self/fd/{there}/{GATEWAY_SOCKET}")
    finally:
        os.close(there)


@asynccontextmanager
async def open_gateway(
    folder: Path, *, key_for: Callable[[str], Key | None] | None = None, by: Dial = dial
) -> AsyncIterator[Gate]:
    """A gateway that runs as long as the block. Its keys, by origin, are the gate's, or what *key_for* says."""
    keys: dict[str, Key] = {}
    gateway = Gateway(key_for or keys.get, TreeNode("gateway"), by)
    async with trio.open_nursery() as nursery:
        await nursery.start(gateway.run)
        async with Gate(gateway, folder, keys) as gate:
            yield gate
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_all(folder: Path, answer: Answerer) -> AsyncIterator[tuple[Upstream, Gate]]:
    """A model, a gateway, and a way from a session's sandbox to that model."""
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(open_upstream(answer))
        gate = await stack.enter_async_context(open_gateway(folder))
        await stack.enter_async_context(gate.gateway.open(gate.way(model.endpoint)))
        yield model, gate

"""An HTTP server on loopback that can be as bad as the world: for fakes of platforms, and for who speaks to them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

import h11
import trio
from attrs import define, evolve, field, frozen

PATIENCE_SECONDS = 20.0
MOST_READ = 1 << 16


@frozen(kw_only=True)
class Asked:
    """A request, as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; an empty object if there is none."""
        return json.loads(self.body or b"{}")


@frozen(kw_only=True)
class Reply:
    """An answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(factory=dict[str, str])
    cut: int | None = None
    """After so many bytes of the body the connection is reset; None: it is whole."""


@frozen(kw_only=True)
class Hang:
    """No answer for ever; *accept*: what was asked is done all the same."""

    accept: bool = False


@frozen(kw_only=True)
class Reset:
    """The connection is reset without an answer; *accept*: what was asked is done all the same."""

    accept: bool = False


@frozen(kw_only=True)
class Half:
    """What was asked is done; of its answer so many bytes are said, and then the connection is reset."""

    most: int = 10


Fault: TypeAlias = Reply | Hang | Reset | Half
Answerer: TypeAlias = Callable[[Asked], Awaitable[Reply]]


def reply(value: object, status: int = 200, **headers: str) -> Reply:
    """JSON. Names of *headers* are written with underscores."""
    head = {name.replace("_", "-"): said for name, said in headers.items()}
    return Reply(status=status, body=json.dumps(value).encode(), headers={"content-type": "application/json", **head})


@define(eq=False)
class FakeHttp:
    """Answers as *answer* does, but for the faults that a test has put before it."""

    answer: Answerer
    url: str = field(default="", init=False)
    asked: list[Asked] = field(factory=list[Asked], init=False)
    """All requests, also those that a fault answered."""
    faults: list[tuple[str, Fault]] = field(factory=list[tuple[str, Fault]], init=False)
    """What happens instead, once each, to the first request whose method and path have that pattern in them."""
    _open: set[trio.SocketStream] = field(factory=set[trio.SocketStream], init=False)
    _moved: trio.Event = field(factory=trio.Event, init=False)

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._open)

    def fail(self, where: str, *faults: Fault) -> None:
        """Put *faults* before the next requests such as *where*, a pattern for method and path: `POST /messages$`."""
        self.faults += [(where, fault) for fault in faults]

    def counted(self, where: str) -> int:
        """How often something such as *where* was asked."""
        return sum(re.search(where, f"{one.method} {one.path}") is not None for one in self.asked)

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until what is to be asked was asked. Raises `TooSlowError`."""
        with trio.fail_after(PATIENCE_SECONDS):
            while not ready():
                await self._moved.wait()

    async def news(self) -> None:
        """Wait until something is asked, or has changed."""
        await self._moved.wait()

    def moved(self) -> None:
        """Something has changed that `until` may wait for."""
        self._moved.set()
        self._moved = trio.Event()

    async def drop(self) -> None:
        """Cut all connections that are open now."""
        for stream in list(self._open):
            await trio.aclose_forcefully(stream)

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer one client until it leaves."""
        wire = h11.Connection(h11.SERVER)
        self._open.add(stream)
        try:
            async with stream:
                while await self._serve_one(wire, stream):
                    wire.start_next_cycle()
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError):
            pass  # whoever leaves in the middle is what some tests are about
        finally:
            self._open.discard(stream)

    async def _serve_one(self, wire: h11.Connection, stream: trio.SocketStream) -> bool:
        request = await _next(wire, stream)
        if not isinstance(request, h11.Request):
            return False
        body = bytearray()
        while isinstance(more := await _next(wire, stream), h11.Data):
            body += more.data
        asked = _read(request, bytes(body))
        self.asked.append(asked)
        self.moved()
        fault = self._fault(asked)
        if isinstance(fault, Hang | Reset):
            if fault.accept:
                await self.answer(asked)
                self.moved()
            if isinstance(fault, Hang):
                await trio.sleep_forever()
            await _reset(stream)
            return False
        said = fault if isinstance(fault, Reply) else await self.answer(asked)
        if isinstance(fault, Half):
            said = evolve(said, cut=fault.most)
        self.moved()
        head = {"content-length": str(len(said.body)), **said.headers}
        await stream.send_all(wire.send(h11.Response(status_code=said.status, headers=list(head.items()))) or b"")
        if said.cut is not None:
            await stream.send_all(wire.send(h11.Data(data=said.body[: said.cut])) or b"")
            await _reset(stream)
            return False
        await stream.send_all(wire.send(h11.Data(data=said.body)) or b"")
        await stream.send_all(wire.send(h11.EndOfMessage()) or b"")
        return wire.our_state is h11.DONE and wire.their_state is h11.DONE

    def _fault(self, asked: Asked) -> Fault | None:
        for number, (where, fault) in enumerate(self.faults):
            if re.search(where, f"{asked.method} {asked.path}"):
                del self.faults[number]
                return fault
        return None


@asynccontextmanager
async def open_http(answer: Answerer) -> AsyncGenerator[FakeHttp]:
    """A server in this loop, until left; answers under way are cut off then."""
    server = FakeHttp(answer)
    async with trio.open_nursery() as nursery:
        (listener, *_) = await nursery.start(partial(trio.serve_tcp, server.serve, 0, host="127.0.0.1"))
        server.url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        yield server
        nursery.cancel_scope.cancel()


def _read(request: h11.Request, body: bytes) -> Asked:
    parts = urlsplit(request.target.decode())
    return Asked(
        method=request.method.decode(),
        path=unquote(parts.path),
        query={name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()},
        headers={name.decode().lower(): value.decode("latin-1") for name, value in request.headers},
        body=body,
    )


async def _reset(stream: trio.SocketStream) -> None:
    """Close it so that the other end sees a reset, and not an end."""
    stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    await trio.aclose_forcefully(stream)


async def _next(wire: h11.Connection, stream: trio.SocketStream) -> object:
    while (event := wire.next_event()) is h11.NEED_DATA:
        wire.receive_data(await stream.receive_some(MOST_READ))
    return event

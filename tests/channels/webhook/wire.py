"""A webhook channel at some port, and those that call it, well or badly."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import partial

import trio
from attrs import define, field

from nanoclaw.channels.base import Receipt, Stored
from nanoclaw.channels.webhook.channel import WebhookChannel
from nanoclaw.channels.webhook.server import Bounds
from nanoclaw.kit.clock import TrioClock
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import InboundEvent, Told
from tests.channels.webhook.calls import SOURCES
from tests.support.central import NOW

PATIENCE = 20.0
MOST_ANSWER = 1 << 16


@define(eq=False)
class House:
    """Takes events as ingress would, and remembers them."""

    heard: list[InboundEvent] = field(factory=list[InboundEvent])
    script: list[Receipt | Exception | trio.Event] = field(factory=list[Receipt | Exception | trio.Event])
    """What becomes of the next ones; an event is waited for first."""
    waits: trio.Event = field(factory=trio.Event)
    """Something is waited for."""

    async def receive(self, told: Told) -> Receipt:
        """See `Receive`."""
        await trio.lowlevel.checkpoint()
        assert isinstance(told, InboundEvent)
        said = self.script.pop(0) if self.script else Stored()
        if isinstance(said, trio.Event):
            self.waits.set()
            await said.wait()
            said = Stored()
        if isinstance(said, Exception):
            raise said
        self.heard.append(told)
        return said


@define(eq=False)
class Wire:
    """The channel, and how it is called."""

    channel: WebhookChannel
    house: House

    async def connect(self) -> trio.SocketStream:
        """A connection, on which nothing was said."""
        assert self.channel.port is not None
        return await trio.open_tcp_stream("127.0.0.1", self.channel.port)

    async def call(self, path: str, headers: Mapping[str, str], body: bytes, method: str = "POST") -> tuple[int, str]:
        """A whole call; its status and what was said."""
        said = {"host": "x", "content-length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        return await self.say(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)

    async def say(self, *pieces: bytes) -> tuple[int, str]:
        """Bytes, and what is answered to them until the connection ends."""
        async with await self.connect() as stream:
            for piece in pieces:
                await stream.send_all(piece)
            return await answer(stream)


async def answer(stream: trio.SocketStream) -> tuple[int, str]:
    """The status and the text of what is heard to the end of the connection; 0: nothing is."""
    heard = b""
    with trio.fail_after(PATIENCE):
        try:
            while data := await stream.receive_some(MOST_ANSWER):
                heard += bytes(data)
        except trio.BrokenResourceError:
            if not heard:
                return 0, ""
    head, _, text = heard.partition(b"\r\n\r\n")
    return (int(head.split(b" ")[1]) if head else 0), text.decode().strip()


@asynccontextmanager
async def webhooks(house: House | None = None, *, bounds: Bounds | None = None) -> AsyncGenerator[Wire]:
    """A running channel called `hook`, whose clock begins at `NOW`."""
    house = house or House()
    channel = WebhookChannel(
        ChannelName("hook"), "127.0.0.1", 0, SOURCES, TrioClock(NOW), bounds=Bounds() if bounds is None else bounds
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(channel.run, house.receive, ready=lambda: None))
        yield Wire(channel, house)
        nursery.cancel_scope.cancel()
    assert channel.port is None

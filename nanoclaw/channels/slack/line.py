"""A socket of Slack's (docs.slack.dev/apis/events-api/using-socket-mode): each envelope is acknowledged when safe."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Never

import trio
from attrs import define, field

from nanoclaw.channels.reading import UnfitError, read
from nanoclaw.channels.reconnect import flat
from nanoclaw.channels.slack.objects import Envelope
from nanoclaw.channels.websocket import ClosedError, Socket, open_socket
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import ChannelName

MOST_WAITING = 1_000
"""Envelopes that wait while an earlier one is taken in."""
HELLO_SECONDS = 20.0
PROBE_SECONDS = 30.0
"""Between looks whether Slack is still there, and for its answer."""
LINK_DISABLED = "socket mode is switched off: switch it on in the app's settings (Socket Mode)"


class ComeAgainError(Exception):
    """Slack wants us to come again."""


@define(eq=False)
class Line:
    """The line to Slack, over all its connections."""

    channel: ChannelName
    _begun: Callable[[], Awaitable[None]]
    """Called when a connection is there, before anything that it says is taken in."""
    _looks: Callable[[], Awaitable[Never]]
    """Looks through what was missed, after that."""
    _offer: Callable[[Envelope, Callable[[], Awaitable[None]]], Awaitable[None]]
    """Has an envelope taken in by what it is given, once that may be."""
    _handle: Callable[[Envelope], Awaitable[None]]
    """Takes in one envelope; returns when it is safe."""
    heard: float | None = field(default=None, init=False)
    """Trio's time of the last thing that it said."""

    async def live(self, url: str) -> None:
        """Be connected to *url* until Slack wants us to come again. Raises `DeliveryError`: the connection failed."""
        ends: list[ComeAgainError | ClosedError | DeliveryError] = []
        try:
            async with open_socket(self.channel, url) as socket:
                await self._converse(socket)
        except* (ComeAgainError, ClosedError, DeliveryError) as group:
            ends = flat(group)
        for end in ends:
            if isinstance(end, DeliveryError):
                raise end
            if isinstance(end, ClosedError):
                why = "the socket broke" if end.code is None else f"it closed the socket ({end.code})"
                raise DeliveryError(channel=self.channel, why=why, retryable=True)

    async def _converse(self, socket: Socket) -> None:
        send, receive = trio.open_memory_channel[Envelope](MOST_WAITING)
        async with send, receive, trio.open_nursery() as nursery:
            with trio.move_on_after(HELLO_SECONDS) as patience:
                await self._hello(socket)
            if patience.cancelled_caught:
                raise DeliveryError(channel=self.channel, why="it does not say hello", retryable=True)
            nursery.start_soon(self._probe, socket)
            nursery.start_soon(self._take_in, socket, receive, nursery)
            while True:
                envelope = await self._next(socket)
                match envelope.type:
                    case "disconnect" if envelope.reason == "link_disabled":
                        raise DeliveryError(channel=self.channel, why=LINK_DISABLED, retryable=False)
                    case "disconnect":
                        raise ComeAgainError
                    case "interactive":
                        # Has to be answered within three seconds, and so does not wait for what came before.
                        nursery.start_soon(self._one, socket, envelope)
                    case _ if envelope.envelope_id is not None:
                        await send.send(envelope)
                    case _:
                        pass

    async def _hello(self, socket: Socket) -> None:
        while (await self._next(socket)).type != "hello":
            pass

    async def _next(self, socket: Socket) -> Envelope:
        while True:
            message = await socket.hear()
            self.heard = trio.current_time()
            try:
                return read(Envelope, message)
            except UnfitError:
                continue  # Nothing that has an id to acknowledge it by.

    async def _take_in(
        self, socket: Socket, receive: trio.MemoryReceiveChannel[Envelope], nursery: trio.Nursery
    ) -> None:
        await self._begun()
        nursery.start_soon(self._looks)
        async for envelope in receive:
            await self._offer(envelope, partial(self._one, socket, envelope))

    async def _one(self, socket: Socket, envelope: Envelope) -> None:
        await self._handle(envelope)
        await socket.say(json.dumps({"envelope_id": envelope.envelope_id}))

    async def _probe(self, socket: Socket) -> Never:
        while True:
            await trio.sleep(PROBE_SECONDS)
            with trio.move_on_after(PROBE_SECONDS) as patience:
                await socket.probe()
                self.heard = trio.current_time()
            if patience.cancelled_caught:
                raise DeliveryError(channel=self.channel, why="it does not answer our pings", retryable=True)

"""One connection to Discord's gateway: what `gateway_state` decides is done here, and nothing else is decided."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from math import inf
from typing import Never

import trio
from attrs import define, field

from nanoclaw.channels.discord import gateway_state as rules
from nanoclaw.channels.discord.gateway_state import Beat, Effect, Gateway, Hang, Refused, Say, Tell
from nanoclaw.channels.reconnect import flat
from nanoclaw.channels.websocket import ClosedError, Socket, open_socket
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.ids import jitter
from nanoclaw.model.ids import ChannelName

MOST_WAITING = 1_000
"""Events that wait while an earlier one is taken in; then Discord has to wait."""
HELLO_SECONDS = 20.0
PRESSED = "INTERACTION_CREATE"
"""Has to be answered within three seconds, and so does not wait for what came before."""


@define
class HungUpError(Exception):
    """We ended the connection."""

    why: str
    failed: bool
    """Was something wrong, or did the gateway want us to come again?"""


@define(eq=False)
class Line:
    """The line to the gateway, over all its connections."""

    channel: ChannelName
    state: Gateway
    _looks: Callable[[], Awaitable[Never]]
    """Looks through what was missed, while there is a connection."""
    _offer: Callable[[Tell, Callable[[], Awaitable[None]]], Awaitable[None]]
    """Has an event taken in by what it is given, once that may be."""
    _handle: Callable[[Tell], Awaitable[None]]
    """Takes in one event; returns when it is safe."""
    _luck: Callable[[], float] = field(default=jitter, kw_only=True)
    heard: float | None = field(default=None, init=False)
    """Trio's time of the last thing that it said."""

    async def live(self, url: str) -> None:
        """Be connected to *url* until the gateway wants us to come again.

        Raises:
          DeliveryError: the connection failed, or only a person can mend it.
        """
        self.state = rules.connected(self.state)
        ends: list[HungUpError | ClosedError | DeliveryError] = []
        try:
            async with open_socket(self.channel, url) as socket:
                await self._converse(socket)
        except* (HungUpError, ClosedError, DeliveryError) as group:
            ends = flat(group)
        for end in ends:
            self._judge(end)

    def _judge(self, end: HungUpError | ClosedError | DeliveryError) -> None:
        match end:
            case HungUpError(why, failed):
                if failed:
                    raise self._failure(why)
            case ClosedError(code):
                self.state, verdict = rules.closed(self.state, code)
                raise self._failure(verdict.why, retryable=not isinstance(verdict, Refused))
            case DeliveryError():
                raise end

    async def _converse(self, socket: Socket) -> None:
        send, receive = trio.open_memory_channel[Tell](MOST_WAITING)
        async with send, receive, trio.open_nursery() as nursery:
            nursery.start_soon(self._looks)
            nursery.start_soon(self._take_in, receive)
            while True:
                with trio.move_on_after(HELLO_SECONDS if self.state.interval is None else inf) as patience:
                    message = await socket.hear()
                if patience.cancelled_caught:
                    raise HungUpError("it does not say hello", True)
                self.heard = trio.current_time()
                self.state, effects = rules.heard(self.state, message)
                await self._do(effects, socket, nursery, send)

    async def _do(
        self, effects: Sequence[Effect], socket: Socket, nursery: trio.Nursery, send: trio.MemorySendChannel[Tell]
    ) -> None:
        for effect in effects:
            match effect:
                case Say(payload):
                    await socket.say(json.dumps(payload))
                case Beat(interval):
                    nursery.start_soon(self._beat, socket, interval)
                case Tell(kind=kind) if kind == PRESSED:
                    nursery.start_soon(self._one, effect)
                case Tell():
                    await send.send(effect)
                case Hang(why, failed):
                    await socket.close(rules.RESUMABLE_CODE)
                    raise HungUpError(why, failed)

    async def _beat(self, socket: Socket, interval: float) -> Never:
        pause = interval * self._luck()
        while True:
            await trio.sleep(pause)
            pause = interval
            self.state, effects = rules.beat_due(self.state)
            for effect in effects:
                if isinstance(effect, Say):
                    await socket.say(json.dumps(effect.payload))
                elif isinstance(effect, Hang):
                    # Nobody is there to be polite to.
                    raise HungUpError(effect.why, effect.failed)

    async def _take_in(self, receive: trio.MemoryReceiveChannel[Tell]) -> None:
        async for told in receive:
            await self._offer(told, partial(self._one, told))

    async def _one(self, told: Tell) -> None:
        await self._handle(told)
        self.state = rules.safe(self.state, told.sequence)

    def _failure(self, why: str, *, retryable: bool = True) -> DeliveryError:
        return DeliveryError(channel=self.channel, why=f"the gateway: {why}", retryable=retryable)

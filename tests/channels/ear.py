"""Takes in what a channel hears, and stands for the store."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import trio
from attrs import define, field

from nanoclaw.channels.base import Channel, NotHeard, Receipt, Receive, Stored
from nanoclaw.model.messages import InboundEvent, Rejection, Revision, Told

PATIENCE_SECONDS = 20.0

ChannelT = TypeVar("ChannelT", bound=Channel)


@define(eq=False)
class Ear:
    """Takes in what the channel hears; stands for the store."""

    told: list[InboundEvent | Revision] = field(factory=list[InboundEvent | Revision])
    """Each once, however often it came."""
    calls: int = 0
    refuses: str | None = None
    subscribes: bool = False
    """Does an agent want to hear everything of the threads that it is told of?"""
    gate: trio.Event = field(factory=trio.Event)
    """Nothing is stored before it is set."""
    readies: int = 0
    _moved: trio.Event = field(factory=trio.Event)

    async def receive(self, told: Told) -> Receipt:
        """See `Receive`."""
        assert not isinstance(told, Rejection)
        self.calls += 1
        self._move()
        await self.gate.wait()
        if told not in self.told:
            self.told.append(told)
        self._move()
        return Stored(subscribe=self.subscribes) if self.refuses is None else NotHeard("no", self.refuses)

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until something is so. Raises `TooSlowError`."""
        with trio.fail_after(PATIENCE_SECONDS):
            while not ready():
                await self._moved.wait()

    async def events(self, count: int) -> list[InboundEvent]:
        """The first events, once there are so many."""
        await self.until(lambda: len(self.told) >= count)
        return [one for one in self.told if isinstance(one, InboundEvent)]

    def ready(self) -> None:
        """See `Channel.run`."""
        self.readies += 1
        self._move()

    def _move(self) -> None:
        self._moved.set()
        self._moved = trio.Event()


async def soon(ready: Callable[[], bool]) -> None:
    """Wait until something is so that nobody tells of. Raises `TooSlowError`."""
    with trio.fail_after(PATIENCE_SECONDS):
        while not ready():  # noqa: ASYNC110 - see above
            await trio.sleep(0.01)


@asynccontextmanager
async def heard(channel: ChannelT, *, waits: bool = True) -> AsyncGenerator[tuple[ChannelT, Ear]]:
    """*channel*, running until left, and what it hears; *waits* until it is connected."""
    ear = Ear()
    ear.gate.set()
    async with running(channel, ear.receive, ear.ready):
        if waits:
            await ear.until(lambda: ear.readies >= 1)
        yield channel, ear


@asynccontextmanager
async def connected(channel: ChannelT, receive: Receive, *, patience: float) -> AsyncGenerator[ChannelT]:
    """*channel*, once it is connected, until left. Raises `TooSlowError` after so many seconds of *patience*."""
    good = trio.Event()
    async with running(channel, receive, good.set):
        with trio.fail_after(patience):
            await good.wait()
        yield channel


@asynccontextmanager
async def running(channel: Channel, receive: Receive, ready: Callable[[], None]) -> AsyncGenerator[None]:
    """While *channel* runs, until left."""
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(channel.run, receive, ready=ready))
        yield
        nursery.cancel_scope.cancel()

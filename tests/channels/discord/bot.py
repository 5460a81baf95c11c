"""A channel on a fake Discord, and what it has heard."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from nanoclaw.channels.base import NotHeard, Outgoing, Receipt, Stored
from nanoclaw.channels.discord.channel import DiscordChannel
from nanoclaw.channels.discord.kind import make
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address, InboundEvent, Revision
from tests.support.channels import MarksInMemory, means
from tests.support.discord.server import GENERAL, FakeDiscord, settings_for

NAME = ChannelName("discord")
PATIENCE_SECONDS = 20.0


@define(eq=False)
class Ear:
    """Takes in what the channel hears; stands for the store."""

    told: list[InboundEvent | Revision] = field(factory=list[InboundEvent | Revision])
    """Each once, however often it came."""
    calls: int = 0
    refuses: str | None = None
    gate: trio.Event = field(factory=trio.Event)
    """Nothing is stored before it is set."""
    readies: int = 0
    _moved: trio.Event = field(factory=trio.Event)

    async def receive(self, told: InboundEvent | Revision) -> Receipt:
        """See `Receive`."""
        self.calls += 1
        self._move()
        await self.gate.wait()
        if told not in self.told:
            self.told.append(told)
        self._move()
        return Stored() if self.refuses is None else NotHeard("no", self.refuses)

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


@asynccontextmanager
async def connected(
    discord: FakeDiscord, folder: Path, *, marks: MarksInMemory | None = None, engages: bool = True, waits: bool = True
) -> AsyncGenerator[tuple[DiscordChannel, Ear]]:
    """A channel that hears *discord*, until left."""
    ear = Ear()
    ear.gate.set()
    channel = make(means(NAME, settings_for(discord), folder, marks=marks, engages=engages))
    async with trio.open_nursery() as nursery:

        async def run(*, task_status: trio.TaskStatus[None]) -> None:
            await channel.run(ear.receive, ready=ear.ready, task_status=task_status)

        await nursery.start(run)
        if waits:
            await ear.until(lambda: ear.readies >= 2)
        yield channel, ear
        nursery.cancel_scope.cancel()


async def soon(ready: Callable[[], bool]) -> None:
    """Wait until something is so that nobody tells of. Raises `TooSlowError`."""
    with trio.fail_after(PATIENCE_SECONDS):
        while not ready():  # noqa: ASYNC110 - see above
            await trio.sleep(0.01)


def outgoing(text: str = "hi", *, thread: str | None = None, chat: str = GENERAL, **more: Any) -> Outgoing:
    """A message of an agent's."""
    usual = {"key": "out-1", "answers": None, "speaker": "Nano", "more": False}
    return Outgoing(to=Address(channel=NAME, platform_id=chat, thread_id=thread), text=text, **{**usual, **more})

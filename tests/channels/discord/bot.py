"""A channel on a fake Discord, and what it has heard."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from nanoclaw.channels.base import Outgoing
from nanoclaw.channels.discord.channel import DiscordChannel
from nanoclaw.channels.discord.kind import make
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address
from tests.channels.ear import Ear
from tests.support.channels import MarksInMemory, means
from tests.support.discord.server import GENERAL, FakeDiscord, settings_for

NAME = ChannelName("discord")


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
            await ear.until(lambda: ear.readies >= 1)
        yield channel, ear
        nursery.cancel_scope.cancel()


def outgoing(text: str = "hi", *, thread: str | None = None, chat: str = GENERAL, **more: Any) -> Outgoing:
    """A message of an agent's."""
    usual = {"key": "out-1", "answers": None, "speaker": "Nano", "more": False}
    return Outgoing(to=Address(channel=NAME, platform_id=chat, thread_id=thread), text=text, **{**usual, **more})

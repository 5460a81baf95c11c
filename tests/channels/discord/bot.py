"""A channel on a fake Discord, and what it has heard."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from nanoclaw.channels.base import Outgoing
from nanoclaw.channels.discord.channel import DiscordChannel
from nanoclaw.channels.discord.kind import make
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address
from tests.channels.ear import Ear, heard
from tests.support.channels import MarksInMemory, means
from tests.support.discord.server import GENERAL, FakeDiscord, settings_for

NAME = ChannelName("discord")


@asynccontextmanager
async def connected(
    discord: FakeDiscord, folder: Path, *, marks: MarksInMemory | None = None, engages: bool = True, waits: bool = True
) -> AsyncGenerator[tuple[DiscordChannel, Ear]]:
    """A channel that hears *discord*, until left."""
    channel = make(means(NAME, settings_for(discord), folder, marks=marks, engages=engages))
    async with heard(channel, waits=waits) as both:
        yield both


def outgoing(text: str = "hi", *, thread: str | None = None, chat: str = GENERAL, **more: Any) -> Outgoing:
    """A message of an agent's."""
    usual = {"key": "out-1", "answers": None, "speaker": "Nano", "more": False}
    return Outgoing(to=Address(channel=NAME, platform_id=chat, thread_id=thread), text=text, **{**usual, **more})

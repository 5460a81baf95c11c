"""A reply that is written, where drafts are shown: a message that grows, and is gone once the reply stands there."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import frozen

from nanoclaw.channels.base import Draft, Outgoing
from nanoclaw.channels.discord.channel import DiscordChannel
from nanoclaw.channels.live_drafts import MARK, WRITING
from nanoclaw.channels.registry import load
from nanoclaw.channels.slack.channel import SlackChannel
from nanoclaw.core.speech import Ability
from nanoclaw.errors import UsageError
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address
from tests.channels.discord import bot
from tests.channels.ear import Ear, soon
from tests.channels.slack import app
from tests.support.channels import MarksInMemory, means
from tests.support.discord import server as discord_server
from tests.support.fake_http import FakeHttp, Reply
from tests.support.slack import server as slack_server


@frozen(kw_only=True)
class Platform:
    """A fake platform, and our account on it."""

    name: ChannelName
    direct: str
    """The conversation with one person."""
    changing: str
    """The route of a change of a message."""
    http: FakeHttp
    settings: dict[str, str]
    texts: Callable[[], list[str]]
    """What stands there of ours."""
    connected: Callable[..., AbstractAsyncContextManager[tuple[DiscordChannel | SlackChannel, Ear]]]
    outgoing: Callable[..., Outgoing]

    def draft(self, text: str) -> Draft:
        """So far is the reply."""
        return Draft(reply="r1", to=Address(channel=self.name, platform_id=self.direct), text=text, tool=None)


@asynccontextmanager
async def open_discord() -> AsyncGenerator[Platform]:
    async with discord_server.open_discord() as fake:
        yield Platform(
            name=bot.NAME,
            direct=discord_server.DIRECT,
            changing=r"PATCH .*/messages/",
            http=fake.http,
            settings=discord_server.settings_for(fake),
            texts=lambda: [one["content"] for one in fake.ours(discord_server.DIRECT)],
            connected=partial(bot.connected, fake),
            outgoing=bot.outgoing,
        )


@asynccontextmanager
async def open_slack() -> AsyncGenerator[Platform]:
    async with slack_server.open_slack() as fake:
        yield Platform(
            name=app.NAME,
            direct=slack_server.DIRECT,
            changing=r"POST .*/chat.update",
            http=fake.http,
            settings=slack_server.settings_for(fake),
            texts=lambda: [one["text"] for one in fake.ours(slack_server.DIRECT)],
            connected=partial(app.connected, fake),
            outgoing=app.outgoing,
        )


@pytest.fixture(params=[open_discord, open_slack], ids=["discord", "slack"])
async def platform(request: pytest.FixtureRequest) -> AsyncGenerator[Platform]:
    """Each in turn."""
    async with request.param() as opened:
        yield opened


async def begin(channel: DiscordChannel | SlackChannel, platform: Platform, text: str) -> None:
    """A reply is being written; waits until that is seen."""
    channel._drafts.first = channel._drafts.every = 0.01
    await channel.show_draft(platform.draft(text))
    await soon(lambda: platform.texts()[-1:] == [f"{text}{WRITING}"])


async def test_a_draft_grows_and_gives_way_to_the_reply(platform: Platform, tmp_path: Path) -> None:
    async with platform.connected(tmp_path) as (channel, _):
        await begin(channel, platform, "one")
        await begin(channel, platform, "one two")
        assert len(platform.texts()) == 1
        platform.http.fail(platform.changing, Reply(status=500))
        await channel.show_draft(platform.draft("one two thr"))
        await channel.deliver(platform.outgoing("one two three", chat=platform.direct))
        await soon(lambda: platform.texts() == ["one two three"])


async def test_a_draft_of_a_host_that_died_is_taken_away(platform: Platform, tmp_path: Path) -> None:
    marks = MarksInMemory()
    for knows in (True, False):
        async with platform.connected(tmp_path, marks=marks) as (channel, _):
            await begin(channel, platform, "half")
            await soon(lambda: json.loads(marks.kept[MARK])[0]["id"] is not None)
        if not knows:
            # The clock of the platform is its own.
            left: list[dict[str, Any]] = json.loads(marks.kept[MARK])
            marks.kept[MARK] = json.dumps([{**one, "id": None, "begun": 0} for one in left])
        async with platform.connected(tmp_path, marks=marks):
            await soon(lambda: platform.texts() == [])
            await soon(lambda: marks.kept[MARK] == "[]")


async def test_drafts_can_be_turned_off(platform: Platform, tmp_path: Path) -> None:
    await trio.lowlevel.checkpoint()
    make = load(str(platform.name)).make
    for said, shown in (("no", False), ("yes", True)):
        channel = make(means(platform.name, {**platform.settings, "drafts": said}, tmp_path))
        assert (Ability.DRAFT in channel.abilities) is shown
    with pytest.raises(UsageError, match="drafts 'nope': yes or no"):
        make(means(platform.name, {**platform.settings, "drafts": "nope"}, tmp_path))

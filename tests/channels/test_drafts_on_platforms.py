"""A reply that is written, where drafts are shown: a message that grows, and is gone once the reply stands there."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import trio
from attrs import frozen

from nanoclaw.channels.base import Draft, Outgoing
from nanoclaw.channels.discord.channel import DiscordChannel
from nanoclaw.channels.live_drafts import MARK, WRITING
from nanoclaw.channels.matrix.channel import MatrixChannel
from nanoclaw.channels.registry import load
from nanoclaw.channels.slack.channel import SlackChannel
from nanoclaw.channels.telegram.channel import TelegramChannel
from nanoclaw.core.speech import Ability
from nanoclaw.errors import UsageError
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address
from tests.channels.discord import bot
from tests.channels.ear import Ear, heard, soon
from tests.channels.slack import app
from tests.support.channels import MarksInMemory, means
from tests.support.discord import server as discord_server
from tests.support.fake_http import FakeHttp, Reply
from tests.support.matrix import homeserver
from tests.support.slack import server as slack_server
from tests.support.telegram import fake as telegram_fake

Drafting: TypeAlias = DiscordChannel | SlackChannel | TelegramChannel | MatrixChannel


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
    connected: Callable[..., AbstractAsyncContextManager[tuple[Drafting, Ear]]]
    outgoing: Callable[..., Outgoing]
    finds: bool = True
    """Can a draft be found of which nobody knows whether it was shown?"""
    usual: bool = True
    """Are drafts shown where nobody has said anything of them?"""

    def draft(self, text: str) -> Draft:
        """So far is the reply."""
        return Draft(
            reply="r1", to=Address(channel=self.name, platform_id=self.direct), text=text, tool=None, speaker="Nano"
        )


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


@asynccontextmanager
async def connected_to_telegram(
    settings: dict[str, str], folder: Path, *, marks: MarksInMemory | None = None
) -> AsyncGenerator[tuple[Drafting, Ear]]:
    channel = load("telegram").make(means("telegram", settings, folder, marks=marks))
    assert isinstance(channel, TelegramChannel)
    async with heard(channel) as both:
        yield both


@asynccontextmanager
async def open_telegram() -> AsyncGenerator[Platform]:
    """In a group: what is shown to one person is in `telegram/test_previews.py`."""
    async with telegram_fake.open_telegram() as fake:
        settings = {"token": telegram_fake.TOKEN, "in_doubt": "send-again", "url": fake.http.url}
        name = ChannelName("telegram")
        yield Platform(
            name=name,
            direct=str(telegram_fake.GROUP),
            changing=r"POST .*/editMessageText",
            http=fake.http,
            settings=settings,
            texts=lambda: [str(one["text"]) for one in fake.shown],
            connected=partial(connected_to_telegram, settings),
            outgoing=partial(outgoing, name),
            finds=False,
        )


@asynccontextmanager
async def connected_to_matrix(
    settings: dict[str, str], folder: Path, *, marks: MarksInMemory | None = None
) -> AsyncGenerator[tuple[Drafting, Ear]]:
    channel = load("matrix").make(means("matrix", settings, folder, marks=marks))
    assert isinstance(channel, MatrixChannel)
    async with heard(channel) as both:
        yield both


@asynccontextmanager
async def open_matrix() -> AsyncGenerator[Platform]:
    async with homeserver.open_homeserver() as fake:
        settings = {"url": fake.url, "token": homeserver.TOKEN, "invites": "*", "drafts": "yes"}
        name, room = ChannelName("matrix"), fake.make_room()
        yield Platform(
            name=name,
            direct=room,
            changing=r"PUT .*/send/m.room.message/draft",
            http=fake.http,
            settings=settings,
            texts=lambda: [one.text for one in fake.shown(room)],
            connected=partial(connected_to_matrix, settings),
            outgoing=partial(outgoing, name),
            usual=False,
        )


def outgoing(name: ChannelName, text: str, *, chat: str) -> Outgoing:
    """The reply."""
    to = Address(channel=name, platform_id=chat)
    return Outgoing(key="out-1", to=to, text=text, answers=None, speaker="Nano", more=False)


@pytest.fixture(
    params=[open_discord, open_slack, open_telegram, open_matrix], ids=["discord", "slack", "telegram", "matrix"]
)
async def platform(request: pytest.FixtureRequest) -> AsyncGenerator[Platform]:
    """Each in turn."""
    async with request.param() as opened:
        yield opened


async def begin(channel: Drafting, platform: Platform, text: str) -> None:
    """A reply is being written; waits until that is seen."""
    channel._drafts.first = channel._drafts.every = 0.01
    channel._drafts.slower = lambda _: 0.0
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
    for knows in (True, False) if platform.finds else (True,):
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
    unsaid = {name: said for name, said in platform.settings.items() if name != "drafts"}
    for said, shown in (({"drafts": "no"}, False), ({"drafts": "yes"}, True), ({}, platform.usual)):
        channel = make(means(platform.name, {**unsaid, **said}, tmp_path))
        assert (Ability.DRAFT in channel.abilities) is shown
    with pytest.raises(UsageError, match="drafts 'nope': yes or no"):
        make(means(platform.name, {**platform.settings, "drafts": "nope"}, tmp_path))

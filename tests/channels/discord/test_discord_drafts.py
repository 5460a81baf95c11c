"""A reply that is written on Discord: a message that grows, and is gone once the reply stands there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import trio

from nanoclaw.channels.base import Draft
from nanoclaw.channels.discord.channel import DiscordChannel
from nanoclaw.channels.discord.kind import make
from nanoclaw.channels.live_drafts import MARK, WRITING
from nanoclaw.core.speech import Ability
from nanoclaw.model.messages import Address
from tests.channels.discord.bot import NAME, connected, outgoing
from tests.channels.ear import soon
from tests.support.channels import MarksInMemory, means
from tests.support.discord.server import DIRECT, FakeDiscord, open_discord, settings_for
from tests.support.fake_http import Reply


def texts(discord: FakeDiscord) -> list[str]:
    """What stands there of ours."""
    return [one["content"] for one in discord.ours(DIRECT)]


async def begin(channel: DiscordChannel, discord: FakeDiscord, text: str) -> None:
    """A reply is being written; waits until that is seen."""
    channel._drafts.first = channel._drafts.every = 0.01
    await channel.show_draft(Draft(reply="r1", to=Address(channel=NAME, platform_id=DIRECT), text=text, tool=None))
    await soon(lambda: texts(discord)[-1:] == [f"{text}{WRITING}"])


async def test_a_draft_grows_and_gives_way_to_the_reply(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (channel, _):
        await begin(channel, discord, "one")
        await begin(channel, discord, "one two")
        assert len(texts(discord)) == 1
        discord.http.fail(r"PATCH .*/messages/", Reply(status=500))
        await channel.show_draft(
            Draft(reply="r1", to=Address(channel=NAME, platform_id=DIRECT), text="one two thr", tool=None)
        )
        await channel.deliver(outgoing("one two three", chat=DIRECT))
        await soon(lambda: texts(discord) == ["one two three"])


async def test_a_draft_of_a_host_that_died_is_taken_away(tmp_path: Path) -> None:
    marks = MarksInMemory()
    async with open_discord() as discord:
        for knows in (True, False):
            async with connected(discord, tmp_path, marks=marks) as (channel, _):
                await begin(channel, discord, "half")
                await soon(lambda: json.loads(marks.kept[MARK])[0]["id"] is not None)
            if not knows:
                # The clock of the platform is its own.
                left: list[dict[str, Any]] = json.loads(marks.kept[MARK])
                marks.kept[MARK] = json.dumps([{**one, "id": None, "begun": 0} for one in left])
            async with connected(discord, tmp_path, marks=marks):
                await soon(lambda: texts(discord) == [])
                await soon(lambda: marks.kept[MARK] == "[]")


async def test_drafts_can_be_turned_off(tmp_path: Path) -> None:
    async with open_discord() as discord:
        await trio.lowlevel.checkpoint()
        for said, shown in (("no", False), ("yes", True)):
            channel = make(means(NAME, {**settings_for(discord), "drafts": said}, tmp_path))
            assert (Ability.DRAFT in channel.abilities) is shown

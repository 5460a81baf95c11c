"""After a gap one channel may have to wait for Discord's limits: the others are heard all the same, nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

from nanoclaw.model.messages import InboundEvent, Revision
from tests.channels.discord.bot import connected
from tests.channels.ear import Ear, soon
from tests.support.channels import MarksInMemory
from tests.support.discord.server import DIRECT, GENERAL, FakeDiscord, open_discord
from tests.support.fake_http import Reply

HISTORY = f"GET .*/channels/{GENERAL}/messages"


def put_off(seconds: float) -> Reply:
    return Reply(status=429, headers={"retry-after": f"{seconds}"})


async def left_off(discord: FakeDiscord) -> MarksInMemory:
    """Something was read in public and in private, and then something was said that nobody heard."""
    read = {DIRECT: discord.mint(), GENERAL: discord.mint(), "": discord.mint()}
    await discord.said("missed in public", tell=False)
    await discord.said("missed in private", channel=DIRECT, tell=False)
    return MarksInMemory({"read": json.dumps(read)})


async def test_while_a_channel_may_not_be_asked_for_others_are_heard_and_it_is_read_by_the_next_life(
    tmp_path: Path,
) -> None:
    async with open_discord() as discord:
        marks = await left_off(discord)
        discord.http.fail(HISTORY, put_off(600))
        async with connected(discord, tmp_path, marks=marks) as (_, ear):
            await discord.said("live in public")
            await discord.said("live in private", channel=DIRECT)
            assert [one.text for one in await ear.events(2)] == ["missed in private", "live in private"]
            before = discord.gateway.sessions
            await discord.gateway.drop()
            # It is the same session: nobody says once more who we are, nor that there was a gap.
            await discord.gateway.until(lambda: discord.gateway.ops()[-1] == 6 and discord.gateway.hearing)
            await discord.said("more in private", channel=DIRECT)
            assert (await ear.events(3))[2].text == "more in private"
            assert (discord.gateway.sessions, list(json.loads(marks.kept["gaps"]))) == (before, [GENERAL, DIRECT])
        async with connected(discord, tmp_path, marks=marks) as (_, ear):
            await ear.until(lambda: len(_texts(ear, GENERAL)) == 2)
            assert _texts(ear, GENERAL) == ["missed in public", "live in public"]
            await soon(lambda: marks.kept["gaps"] == "{}")


async def test_what_is_live_in_a_channel_comes_after_what_was_missed_there(tmp_path: Path) -> None:
    async with open_discord() as discord:
        marks = await left_off(discord)
        discord.http.fail(HISTORY, put_off(0.3))
        async with connected(discord, tmp_path, marks=marks) as (_, ear):
            said = await discord.said("live 0")
            await discord.gateway.dispatch("MESSAGE_DELETE", {"id": said["id"], "channel_id": GENERAL})
            await discord.said("live 1")
            # It takes back what it has to come after.
            await ear.until(lambda: any(isinstance(one, Revision) for one in ear.told))
    assert _texts(ear, GENERAL) == ["missed in public", "live 0", "live 1"]
    assert ear.told[-1].platform_message_id == said["id"]


def _texts(ear: Ear, place: str) -> list[str]:
    return [one.text for one in ear.told if isinstance(one, InboundEvent) and one.platform_id == place]

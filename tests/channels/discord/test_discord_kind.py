"""Discord as a kind of channel: what is wrong with a token is said before anything is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoclaw.channels.discord.kind import KIND
from nanoclaw.channels.registry import load
from nanoclaw.errors import DeliveryError, UsageError
from tests.channels.discord.bot import NAME, connected
from tests.channels.ear import soon
from tests.support.channels import means
from tests.support.discord.server import BOT, open_discord, settings_for


async def test_a_token_that_is_good_says_who_it_is_and_what_is_left_to_do(tmp_path: Path) -> None:
    assert load("discord") is KIND
    async with open_discord() as discord:
        checked = await KIND.check(means(NAME, settings_for(discord), tmp_path))
    assert checked.account == "nano"
    assert "Message Content Intent" in checked.notes[0]
    assert f"client_id={BOT}" in checked.notes[1]


async def test_a_token_that_is_not_is_refused_without_being_repeated(tmp_path: Path) -> None:
    async with open_discord() as discord:
        settings = settings_for(discord) | {"token": "wrong"}
        with pytest.raises(UsageError, match="401: Unauthorized") as caught:
            await KIND.check(means(NAME, settings, tmp_path))
    assert "wrong" not in str(caught.value)
    with pytest.raises(DeliveryError):
        await KIND.check(means(NAME, settings_for(discord), tmp_path))
    for token in ("", "two words", "tökën"):
        with pytest.raises(UsageError, match="no token"):
            KIND.make(means(NAME, settings | {"token": token}, tmp_path))


async def test_intents_that_are_switched_off_are_said_plainly_and_the_house_lives_on(tmp_path: Path) -> None:
    async with open_discord() as discord:
        discord.gateway.allowed_intents = 1
        async with connected(discord, tmp_path, waits=False) as (channel, _):
            await soon(lambda: "Message Content Intent" in channel.health().why)


async def test_a_day_without_sessions_left_is_waited_out(tmp_path: Path) -> None:
    async with open_discord() as discord:
        discord.starts = 0
        async with connected(discord, tmp_path, waits=False) as (channel, _):
            await soon(lambda: "no session may be begun" in channel.health().why)
        assert discord.gateway.sessions == 0

"""Telegram as a kind of channel: what it asks, and whether the token is one."""

from __future__ import annotations

import re

from nanoclaw.channels.base import Channel
from nanoclaw.channels.http import open_platform
from nanoclaw.channels.live_drafts import ASKED as DRAFTS
from nanoclaw.channels.registry import Asked, Checked, Kind, Means
from nanoclaw.channels.telegram.api import Api, Refused
from nanoclaw.channels.telegram.channel import TelegramChannel
from nanoclaw.channels.telegram.wire import BadUpdateError, read_me
from nanoclaw.core.delivery import InDoubt
from nanoclaw.errors import UsageError

TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{10,100}")


def make(means: Means) -> Channel:
    """A bot. Raises `UsageError`."""
    if not TOKEN.fullmatch(means.settings["token"]):
        raise UsageError("the token is none of a Telegram bot: @BotFather shows it, as 123456:letters-and-digits")
    try:
        in_doubt = InDoubt(means.settings["in_doubt"])
    except ValueError:
        ways = " or ".join(way.value for way in InDoubt)
        raise UsageError(f"in_doubt is {means.settings['in_doubt']!r}: say {ways}") from None
    if not means.settings["url"].startswith(("https://", "http://")):
        raise UsageError(f"url {means.settings['url']!r} is no address that begins with https://")
    return TelegramChannel(means, in_doubt)


async def check(means: Means) -> Checked:
    """Ask who the bot is, and whether a webhook is in the way."""
    make(means)
    token = means.settings["token"]
    async with open_platform(means.name, means.settings["url"], secrets=(token,), clock=means.clock) as platform:
        api = Api(platform, token)
        outcome = await api.ask("getMe", {})
        if isinstance(outcome, Refused):
            raise UsageError(f"Telegram does not take the token ({outcome.words}): copy it again from @BotFather")
        try:
            me = read_me(outcome)
        except BadUpdateError as exc:
            raise UsageError(f"what answers at the url is no Bot API: {exc}") from exc
        hook = await api.ask("getWebhookInfo", {})
    notes = [f"Write to the bot once, at https://t.me/{me.username}: a bot cannot write first."]
    if not me.can_read_all_group_messages:
        notes.append(
            "In groups it hears what is said to it and no more; for the rest, tell @BotFather: /setprivacy, Disable,"
            " and add it to the group again."
        )
    if isinstance(hook, dict) and hook.get("url"):
        notes.append("A webhook is set for this bot, so it cannot be heard here: delete it with deleteWebhook.")
    return Checked(account=f"@{me.username}", notes=tuple(notes))


KIND = Kind(
    name="telegram",
    title="Telegram",
    asks=(
        Asked(name="token", question="The bot's token, from @BotFather", secret=True),
        Asked(
            name="in_doubt",
            question="A message that may have arrived, or not: send-again (it may come twice) or park (you decide)",
            default=InDoubt.SEND_AGAIN.value,
        ),
        Asked(name="url", question="The address of the Bot API", default="https://api.telegram.org"),
        DRAFTS,
    ),
    make=make,
    check=check,
)

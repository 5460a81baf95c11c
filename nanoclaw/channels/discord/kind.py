"""Discord as a kind of channel: what it asks, and what is to be done in Discord's own pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from nanoclaw.channels.discord.api import URL, Api, open_api
from nanoclaw.channels.discord.channel import DiscordChannel
from nanoclaw.channels.live_drafts import ASKED
from nanoclaw.channels.registry import Asked, Checked, Kind, Means
from nanoclaw.errors import DeliveryError, UsageError

PERMISSIONS = 1 << 6 | 1 << 10 | 1 << 11 | 1 << 15 | 1 << 16 | 1 << 35 | 1 << 38
"""React, see channels, write, attach files, read what was said, begin threads, write in them."""


def make(means: Means) -> DiscordChannel:
    """A channel that does nothing yet. Raises `UsageError` for a token that can be none."""
    token = means.settings["token"].strip()
    if not token or not token.isascii() or any(character.isspace() for character in token):
        raise UsageError("that is no token of a bot: take it from the developer portal (Bot, Reset Token)")
    if urlsplit(means.settings["url"]).scheme not in ("http", "https"):
        raise UsageError("the url of Discord's API begins with https://")
    return DiscordChannel(means)


async def check(means: Means) -> Checked:
    """Ask Discord who we are, and whether we could connect."""
    make(means)
    async with open_api(means.name, means.settings["url"], means.settings["token"].strip()) as platform:
        api = Api(platform)
        try:
            me = await api.me()
            await api.gateway()
        except DeliveryError as exc:
            if exc.retryable:
                raise
            raise UsageError(f"Discord does not take that token: {exc.why}") from None
    invitation = f"https://discord.com/oauth2/authorize?client_id={me.id}&scope=bot&permissions={PERMISSIONS}"
    return Checked(
        account=me.username or me.id,
        notes=(
            "in the developer portal, under Bot, switch on Message Content Intent",
            f"invite the bot into a server: {invitation}",
        ),
    )


KIND = Kind(
    name="discord",
    title="Discord",
    asks=(
        Asked(name="token", question="Token of the bot (developer portal, Bot, Reset Token)", secret=True),
        Asked(name="url", question="Address of Discord's API", default=URL),
        ASKED,
    ),
    make=make,
    check=check,
)

"""Slack as a kind of channel: what it asks, and what is to be done in Slack's own pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from nanoclaw.channels.http import open_platform
from nanoclaw.channels.live_drafts import ASKED
from nanoclaw.channels.registry import Asked, Checked, Kind, Means
from nanoclaw.channels.slack.api import URL, Api
from nanoclaw.channels.slack.channel import SlackChannel
from nanoclaw.errors import DeliveryError, UsageError

BEGINNINGS = {"app_token": ("xapp-", "Basic Information, App-Level Tokens"), "bot_token": ("xoxb-", "OAuth")}
SCOPES = (
    "app_mentions:read, channels:history, channels:read, chat:write, files:read, files:write, groups:history, "
    "groups:read, im:history, im:read, im:write, mpim:history, mpim:read, reactions:write, users:read"
)
EVENTS = "app_mention, message.channels, message.groups, message.im, message.mpim"


def make(means: Means) -> SlackChannel:
    """A channel that does nothing yet. Raises `UsageError` for tokens that can be none."""
    for name, (beginning, where) in BEGINNINGS.items():
        token = means.settings[name].strip()
        if not token.startswith(beginning) or not token.isascii() or any(sign.isspace() for sign in token):
            raise UsageError(f"{name} begins with {beginning}: take it from the app's settings ({where})")
    if urlsplit(means.settings["url"]).scheme not in ("http", "https"):
        raise UsageError("the url of Slack's API begins with https://")
    return SlackChannel(means)


async def check(means: Means) -> Checked:
    """Ask Slack who we are, and whether we could connect."""
    make(means)
    app, bot = (means.settings[name].strip() for name in BEGINNINGS)
    async with open_platform(means.name, means.settings["url"], secrets=(app, bot)) as platform:
        api = Api(platform, app, bot)
        try:
            me = await api.me()
            await api.open_socket()
        except DeliveryError as exc:
            if exc.retryable:
                raise
            raise UsageError(f"Slack does not take these tokens: {exc.why}") from None
    return Checked(
        account=f"{me.user or me.user_id} in {me.team or me.team_id}",
        notes=(
            "in the app's settings, switch on Socket Mode, and Interactivity",
            f"under Event Subscriptions, subscribe the bot to {EVENTS}",
            f"under OAuth & Permissions, give the bot {SCOPES}, and install the app anew",
            "invite the bot into a conversation with /invite",
        ),
    )


KIND = Kind(
    name="slack",
    title="Slack",
    asks=(
        Asked(name="app_token", question="App-level token with connections:write (begins with xapp-)", secret=True),
        Asked(name="bot_token", question="Token of the bot user (begins with xoxb-)", secret=True),
        Asked(name="url", question="Address of Slack's API", default=URL),
        ASKED,
    ),
    make=make,
    check=check,
)

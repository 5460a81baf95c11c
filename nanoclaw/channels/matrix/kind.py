"""Matrix as a kind of channel: what it asks for, and whether a homeserver takes it."""

from __future__ import annotations

from urllib.parse import urlsplit

from nanoclaw.channels.matrix.api import open_api
from nanoclaw.channels.matrix.channel import DRAFTS, MatrixChannel
from nanoclaw.channels.registry import Asked, Checked, Kind, Means
from nanoclaw.errors import DeliveryError, UsageError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
REFUSED = (
    "get an access token of the account (in Element: Settings, Help & About, Access Token), "
    "and do not log that session out"
)


def _make(means: Means) -> MatrixChannel:
    """A channel of those settings."""
    parts = urlsplit(means.settings["url"])
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise UsageError(f"{means.settings['url']!r} is no address of a homeserver: https://matrix.example.org")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise UsageError("an access token is sent over https only, but to this machine itself")
    return MatrixChannel(means)


async def _check(means: Means) -> Checked:
    """Ask the homeserver who we are there."""
    _make(means)
    async with open_api(means) as api:
        try:
            account = await api.whoami()
        except DeliveryError as exc:
            if exc.retryable:
                raise
            raise UsageError(f"{exc}: {REFUSED}") from exc
    invites = means.settings["invites"].strip()
    return Checked(
        account=account,
        notes=(
            f"ask {account} into a room, in Matrix; invitations of {invites or 'nobody'} are followed",
            "make the room without encryption: what is encrypted cannot be read yet",
        ),
    )


KIND = Kind(
    name="matrix",
    title="Matrix",
    asks=(
        Asked(name="url", question="Address of the homeserver", default="https://matrix-client.matrix.org"),
        Asked(name="token", question="Access token of the account that agents speak with", secret=True),
        Asked(
            name="invites",
            question="Who may take it into rooms? User ids (@ada:example.org) or servers, with commas; * for everybody",
        ),
        DRAFTS,
    ),
    make=_make,
    check=_check,
)

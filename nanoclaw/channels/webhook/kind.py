"""The kind `webhook`: what it asks, and how it is tried out."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

import trio

from nanoclaw.channels.registry import Asked, Checked, Kind, Means
from nanoclaw.channels.webhook.channel import WebhookChannel
from nanoclaw.channels.webhook.replies import Replies, parse_replies
from nanoclaw.channels.webhook.sources import Source, Sources, Template, parse_sources
from nanoclaw.errors import DeliveryError, UsageError

URL = "http://127.0.0.1:8377"
SAYS_WHERE = f"the url says where calls are heard on this machine, such as {URL}"
CLICKS = {
    Template.GENERIC: "have it sign as Standard Webhooks says, with the secret of this source, and call",
    Template.GITHUB: "in the repository's settings, under Webhooks, add one with the content type application/json and"
    " the secret of this source; its payload URL is",
    Template.LINEAR: "in the settings, under API, add a webhook, give this source its signing secret, and let it call",
}


def _place(url: str) -> tuple[str, int]:
    """The address and the port of *url*."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host = "127.0.0.1" if host == "localhost" else host
        ip_address(host)
    except ValueError:
        raise UsageError(SAYS_WHERE) from None
    if port is None or parts.scheme != "http" or parts.path.strip("/") or parts.query:
        raise UsageError(SAYS_WHERE)
    return host, port


def _read(means: Means) -> tuple[str, int, Sources]:
    return *_place(means.settings.get("url", URL)), parse_sources(means.settings.get("sources", ""))


def _replies(means: Means, sources: Sources) -> Replies | None:
    found = parse_replies(means.settings.get("reply_url", ""), means.settings.get("reply_secret", ""))
    if found is not None and any(source.key == found.key for source in sources.values()):
        raise UsageError("the reply_secret is a source's as well: choose another, or what agents say could come back")
    return found


def make(means: Means) -> WebhookChannel:
    """A channel that does nothing yet. Raises `UsageError`."""
    host, port, sources = _read(means)
    return WebhookChannel(means.name, host, port, sources, means.clock, _replies(means, sources))


async def check(means: Means) -> Checked:
    """Whether the port can be had, and what is to be set at the other ends.

    Raises:
      UsageError: the settings make no sense, or this machine has no such address.
    """
    host, port, sources = _read(means)
    _replies(means, sources)
    taken = await trio.to_thread.run_sync(_is_taken, means.name, host, port)
    notes = [_note(source, host, port) for source in sources.values()]
    if ip_address(host).is_loopback:
        notes.append("what calls from elsewhere comes through a proxy of yours with https, which passes it on as it is")
    if taken:
        notes.append(f"something hears port {port} already; that is well if it is this channel, which runs")
    many = "1 source" if len(sources) == 1 else f"{len(sources)} sources"
    return Checked(account=f"{many} at {host} port {port}", notes=tuple(notes))


def _note(source: Source, host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{source.name}: {CLICKS[source.template]} http://{shown}:{port}{source.path}"


def _is_taken(name: str, host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            plain.bind((host, port))
            plain.listen(1)
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                return True
            if exc.errno in (errno.EADDRNOTAVAIL, errno.EACCES):
                raise UsageError(f"this machine does not let us hear {host} port {port}: {exc.strerror}") from None
            raise DeliveryError(channel=name, why=str(exc), retryable=True) from None
    return False


KIND = Kind(
    name="webhook",
    title="Webhooks",
    asks=(
        Asked(name="url", question="Where are calls heard on this machine?", default=URL),
        Asked(
            name="sources",
            question="Who calls? NAME TEMPLATE SECRET; … (templates: generic, github, linear)",
            secret=True,
        ),
        Asked(
            name="reply_url",
            question="What is called with what agents say there? Nothing, if it is empty",
            secret=True,
            default="",
        ),
        Asked(name="reply_secret", question="With which secret is that signed?", secret=True, default=""),
    ),
    make=make,
    check=check,
)

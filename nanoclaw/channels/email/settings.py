"""What an email channel is told, understood."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import frozen

from nanoclaw.channels.email.addresses import canonical, is_domain
from nanoclaw.channels.email.imap import Login
from nanoclaw.channels.email.wires import Server, server
from nanoclaw.channels.registry import Asked, is_yes
from nanoclaw.errors import UsageError

LEAST_SECONDS, MOST_SECONDS = 1.0, 1_500.0
"""Between looks: a server may end a wait for news after 29 minutes (RFC 2177)."""
COPIES = Asked(name="copies", question="Keep a copy of what is sent? no, if the server does", default="yes")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}", re.ASCII)


@frozen(kw_only=True)
class Settings:
    """Where the mailbox is, and who we are there."""

    imap: Server
    smtp: Server
    login: Login
    addresses: tuple[str, ...]
    """The first is the one that we write from."""
    authserv: str
    senders: tuple[str, ...]
    every: float
    copies: bool


def settings(told: Mapping[str, str]) -> Settings:
    """What *told* means. Raises `UsageError`."""
    addresses = [_address(one) for one in told["address"].split(",")]
    return Settings(
        imap=server(told["url"], plain="imap", secure="imaps", ports=(143, 993)),
        smtp=server(told["smtp"], plain="smtp", secure="smtps", ports=(587, 465)),
        login=Login(user=told["user"].strip() or addresses[0], password=told["password"]),
        addresses=tuple(dict.fromkeys(addresses)),
        authserv=_authserv(told["authserv"].strip()),
        senders=tuple(map(_listed, told["senders"].split(","))),
        every=_seconds(told["every"]),
        copies=is_yes(told, COPIES),
    )


def _address(text: str) -> str:
    found = canonical(text.strip())
    if found is None:
        raise UsageError(f"{text.strip()!r} is no address of a mailbox: nano@example.org")
    return found


def _listed(text: str) -> str:
    """One of those who are heard."""
    name = text.strip().lower()
    if name == "*" or canonical(name) is not None or is_domain(name.removeprefix("@")):
        return name.removeprefix("@")
    raise UsageError(f"{text.strip()!r} is neither an address nor a domain, nor * for everybody")


def _authserv(text: str) -> str:
    if text and not _NAME.fullmatch(text):
        raise UsageError(f"{text!r} is no name of a mail server: it is the first word of Authentication-Results")
    return text.lower()


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise UsageError(f"{text!r}: seconds between looks, from {LEAST_SECONDS:g} to {MOST_SECONDS:g}")
    return seconds

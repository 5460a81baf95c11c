"""A fake provider of mail on loopback: IMAP (RFC 3501, 2177, 6154) for one mailbox, and SMTP (RFC 5321) out of it.

It does what our adapter asks for, and no more, but over real sockets and to the letter; what else there is in the world
is in `post_office.py`. Its SMTP can be told to fail.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesParser
from enum import Enum
from functools import partial

import trio
from attrs import define, field

ME, PASSWORD = "nano@example.org", "correct horse"
AUTHSERV = "mx.example.org"


class Fault(Enum):
    """What the SMTP server does with the next mail."""

    LATER = "451 come again"  # at RCPT
    BROKEN = "554 broken"  # the greeting is 421: it is closing down
    SILENT = "silent"  # cut in the middle of the mail
    LOST = "lost"  # taken, and cut without an answer
    CUT = "cut"  # taken, and cut in the middle of the answer
    REFUSED = "550 no such mailbox"  # at RCPT
    MUTE = "mute"  # takes the mail, and says nothing
    HELD = "held"  # the same, and sends it on
    LATE = "452 no space"  # after the mail
    NEVER = "552 too much"  # after the mail


@define(eq=False)
class Mail:
    """A mail in a folder."""

    uid: int
    raw: bytes
    at: datetime
    seen: bool = False


@define(eq=False)
class Folder:
    """Mails by number."""

    mails: list[Mail] = field(factory=list[Mail])
    next: int = 1

    def add(self, raw: bytes, at: datetime | None = None) -> Mail:
        """Put a mail into it."""
        mail = Mail(self.next, raw, datetime.now(UTC) if at is None else at)
        self.mails.append(mail)
        self.next += 1
        return mail


@define(eq=False)
class MailHost:
    """Both servers, and what they hold."""

    imap: int = 0
    smtp: int = 0
    inbox: Folder = field(factory=Folder)
    copies: Folder = field(factory=Folder)
    validity: int = 1
    sent: list[tuple[str, bytes]] = field(factory=list[tuple[str, bytes]])
    """What went out, and to whom."""
    faults: deque[Fault] = field(factory=deque[Fault])
    later: str = "in 1 second"
    """When the one whom `Fault.LATER` puts off may come again."""
    asked: list[str] = field(factory=list[str])
    """What clients said, without what they sent with it."""
    news: trio.Event = field(factory=trio.Event)
    waited_for: trio.Event = field(factory=trio.Event)
    """Somebody waits for news."""
    late: bytes | None = None
    """A mail that comes just when somebody begins to wait for news."""
    late_for_look: bytes | None = None
    """A mail that comes just after somebody has looked for what came since a day."""
    bounce: Callable[[str, bytes], bytes] | None = None
    """What comes back of a mail, before it is said that it was taken."""
    idles: bool = True
    """Does it tell of news to those who wait?"""
    password: str = PASSWORD
    _lines: set[trio.SocketStream] = field(factory=set[trio.SocketStream])

    def arrive(self, raw: bytes, at: datetime | None = None) -> Mail:
        """A mail comes in."""
        mail = self.inbox.add(raw, at)
        self.tell()
        return mail

    def tell(self) -> None:
        """Tell those who wait of news."""
        if self.idles:
            self.news.set()
            self.news = trio.Event()

    def number_anew(self) -> None:
        """All mails get other numbers, as after a restore; whoever is there is cut off."""
        self.validity += 1
        for number, mail in enumerate(self.inbox.mails, start=3):
            mail.uid = number
        self.inbox.next = 3 + len(self.inbox.mails)

    async def drop(self) -> None:
        """Cut all connections."""
        for line in list(self._lines):
            await trio.aclose_forcefully(line)

    @asynccontextmanager
    async def connection(self, line: trio.SocketStream) -> AsyncGenerator[None]:
        """While one is open. A client that goes in the middle ends it."""
        self._lines.add(line)
        try:
            yield
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self._lines.discard(line)
            await trio.aclose_forcefully(line)


def letter(
    text: str,
    *,
    sender: str = "Ada <ada@example.org>",
    to: str = ME,
    id: str = "",  # noqa: A002 - a message's
    verified: bool = True,
    more: Mapping[str, str] | None = None,
    **fields: str,
) -> bytes:
    """A mail as a receiving server leaves it. *fields* and *more* by their names, with `_` for `-`."""
    domain = sender.rpartition("@")[2].rstrip("> ")
    results = f"Authentication-Results: {AUTHSERV}; dmarc=pass header.from={domain}\r\n" if verified else ""
    named = f"Message-ID: <{id}>\r\n" if id else ""
    fields |= more or {}
    rest = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    top = f"Return-Path: <{domain}>\r\n{results}From: {sender}\r\nTo: {to}\r\n{named}{rest}"
    kind = "" if "Content_Type" in fields else "Content-Type: text/plain; charset=utf-8\r\n"
    return (top + kind + "\r\n" + text).encode()


def read(raw: bytes) -> Message:
    """A mail as its reader has it."""
    return BytesParser().parsebytes(raw)


@asynccontextmanager
async def open_mail_host() -> AsyncGenerator[MailHost]:
    """Both servers, until left."""
    from tests.support.email.fake_imap import serve_imap
    from tests.support.email.fake_smtp import serve_smtp

    host = MailHost()
    async with trio.open_nursery() as nursery:
        for name, serve in (("imap", serve_imap), ("smtp", serve_smtp)):
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            setattr(host, name, listener.socket.getsockname()[1])
            nursery.start_soon(partial(trio.serve_listeners, partial(serve, host), [listener]))
        yield host
        nursery.cancel_scope.cancel()


def day_of(text: str) -> datetime:
    """The beginning of a day as IMAP writes it."""
    return datetime.strptime(text, "%d-%b-%Y").replace(tzinfo=UTC)

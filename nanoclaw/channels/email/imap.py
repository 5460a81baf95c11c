"""A mailbox by IMAP: what we ask of it, one method a thing. Each raises `DeliveryError`, and cancelled, cuts the line.

RFC 3501, 2177 (IDLE), 6154 (special folders), over IMAPClient, whose calls block and are made in a thread.
"""

from __future__ import annotations

import contextlib
import imaplib
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, TypeVar

import structlog
import trio
from attrs import define, frozen
from imapclient.exceptions import LoginError
from imapclient.imapclient import SEEN, SENT, IMAPClient

from nanoclaw.channels.email.wires import ANSWER_SECONDS, Server, Wire, connect, tls_context
from nanoclaw.core.notices import plain
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import ChannelName

log = structlog.get_logger()

T = TypeVar("T")

INBOX = "INBOX"
MOST_MAIL = 60 << 20
"""Bytes of a mail that is fetched; of a larger one, its fields are. Providers take 25 to 50 MiB."""
MOST_FIELDS = 256 << 10
PASSING = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]")
"""Words of a server that refuses a login for now (RFC 5530)."""


@frozen(kw_only=True)
class Login:
    """Who we are to the servers."""

    user: str
    password: str


@frozen(kw_only=True)
class Standing:
    """How a folder stands: ids of mails are good as long as *validity* is the same."""

    validity: int
    next: int
    """The id that the next mail gets at least."""


@frozen(kw_only=True)
class Fetched:
    """A mail of the mailbox."""

    raw: bytes
    """All of it, or its fields."""
    size: int
    whole: bool
    at: datetime
    """When the server got it."""


class _Imap4(imaplib.IMAP4):
    """The library's protocol on a connection that is there already."""

    def __init__(self, wire: Wire, where: Server) -> None:
        self._wire, self._where = wire, where
        super().__init__(where.host, where.port, ANSWER_SECONDS)

    def _create_socket(self, timeout: float | None) -> Any:
        if self._where.tls:
            return tls_context().wrap_socket(self._wire.line, server_hostname=self._where.host)
        return self._wire.line

    def has_more(self) -> bool:
        """Is there something that was received and not read? Never blocks."""
        # `file` up to Python 3.13, and `_file` since.
        reader = vars(self).get("_file") or vars(self)["file"]
        self.sock.setblocking(False)
        try:
            return bool(reader.peek(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        finally:
            self.sock.settimeout(ANSWER_SECONDS)


class _Client(IMAPClient):  # type: ignore[misc] # the library has no types
    def __init__(self, wire: Wire, where: Server) -> None:
        self._made: Callable[[], imaplib.IMAP4] = lambda: _Imap4(wire, where)
        super().__init__(where.host, where.port, ssl=False, timeout=ANSWER_SECONDS)
        self.normalise_times = False

    def has_more(self) -> bool:
        found: bool = self._imap.has_more()
        return found

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the library's name
        return self._made()


@define(eq=False)
class Mailbox:
    """One login."""

    _channel: ChannelName
    _wire: Wire
    _client: Any

    async def stand(self, *, readonly: bool = False) -> Standing:
        """Go to the inbox, and say how it stands."""

        def work() -> Standing:
            found = self._client.select_folder(INBOX, readonly=readonly)
            if not {b"UIDVALIDITY", b"UIDNEXT"} <= found.keys():
                raise imaplib.IMAP4.error("it does not number its mails, or does not say how")
            return Standing(validity=int(found[b"UIDVALIDITY"]), next=int(found[b"UIDNEXT"]))

        return await self._run(work)

    async def after(self, uid: int) -> list[int]:
        """The ids of the mails in the inbox that came after *uid*, oldest first."""
        # The last mail is always among `n:*`, whatever n is.
        found = await self._run(lambda: self._client.search(["UID", f"{uid + 1}:*"]))
        return sorted(int(one) for one in found if int(one) > uid)

    async def since(self, day: date) -> list[int]:
        """The ids of the mails that the server got on *day* or later, oldest first."""
        found = await self._run(lambda: self._client.search(["SINCE", day]))
        return sorted(map(int, found))

    async def fetch(self, uid: int) -> Fetched | None:
        """A mail, without marking it; None: it is gone."""

        def work() -> Fetched | None:
            about = self._client.fetch([uid], ["RFC822.SIZE", "INTERNALDATE"]).get(uid)
            if about is None:
                return None
            size = int(about[b"RFC822.SIZE"])
            whole = size <= MOST_MAIL
            part, most = ("BODY.PEEK[]", MOST_MAIL) if whole else ("BODY.PEEK[HEADER]", MOST_FIELDS)
            # Never more than that, whatever the size is said to be.
            found = self._client.fetch([uid], [f"{part}<0.{most}>"]).get(uid, {})
            raw = next((value for name, value in found.items() if name.startswith(b"BODY[")), None)
            if not isinstance(raw, bytes):
                return None
            return Fetched(raw=raw, size=size, whole=whole, at=about[b"INTERNALDATE"])

        return await self._run(work)

    async def mark_seen(self, uid: int) -> None:
        """Show people who look into the mailbox that we have this mail, if the server lets us."""

        def work() -> None:
            try:
                self._client.add_flags([uid], [SEEN], silent=True)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as exc:
                log.info("email_not_marked", channel=self._channel, why=plain(_words(exc)))

        await self._run(work)

    async def wait(self, seconds: float) -> None:
        """Wait until the server tells of news in the inbox, and no longer than *seconds*."""
        if not await self._run(lambda: self._client.has_capability("IDLE")):
            await trio.sleep(seconds)
            return

        def work() -> None:
            self._client.idle()
            # News that came with the answer are in a buffer, for which the library would wait in vain.
            if not self._client.has_more():
                self._client.idle_check(seconds)
            self._client.idle_done()

        await self._run(work)

    async def sent_folder(self) -> str | None:
        """The folder for what was sent; None: there is none."""
        return await self._run(lambda: self._client.find_special_folder(SENT))

    async def keep(self, folder: str, raw: bytes) -> None:
        """Put a copy of a mail of ours into *folder*."""
        await self._run(lambda: self._client.append(folder, raw, [SEEN]))

    async def holds(self, folder: str, message_id: str) -> bool:
        """Is a mail of that id in *folder*?"""

        def work() -> bool:
            self._client.select_folder(folder, readonly=True)
            return bool(self._client.search(["HEADER", "Message-ID", f"<{message_id}>"]))

        return await self._run(work)

    async def newest(self, number: int) -> list[bytes]:
        """The fields on top of the newest mails in the inbox."""

        def work() -> list[bytes]:
            uids = sorted(self._client.search("ALL"))[-number:]
            found = self._client.fetch(uids, [f"BODY.PEEK[HEADER]<0.{MOST_FIELDS}>"])
            return [value for one in found.values() for name, value in one.items() if name.startswith(b"BODY[")]

        return await self._run(work)

    async def _run(self, work: Callable[[], T]) -> T:
        return await _asked(self._channel, self._wire, work)


async def _asked(channel: ChannelName, wire: Wire, work: Callable[[], T]) -> T:
    try:
        return await wire.run(work)
    except LoginError as exc:
        words = plain(_words(exc))
        passing = any(one in words for one in PASSING)
        why = f"the mailbox does not let us in: {words}"
        raise DeliveryError(channel=channel, why=why, retryable=passing) from None
    except ssl.SSLCertVerificationError as exc:
        why = f"the certificate of the mail server does not do: {plain(exc.verify_message)}"
        raise DeliveryError(channel=channel, why=why, retryable=False) from None
    except (imaplib.IMAP4.error, OSError, EOFError) as exc:
        why = f"the mailbox does not answer as it should: {plain(_words(exc))}"
        raise DeliveryError(channel=channel, why=why, retryable=True) from None


@asynccontextmanager
async def open_mailbox(channel: ChannelName, where: Server, login: Login) -> AsyncGenerator[Mailbox]:
    """The mailbox of *login*, until left. Raises `DeliveryError`; one that cannot be retried is a person's to mend."""
    wire = await connect(channel, where)

    def enter() -> Any:
        client = _Client(wire, where)
        try:
            if where.starttls:
                client.starttls(tls_context())
            client.login(login.user, login.password)
        except BaseException:
            _shut(client)
            raise
        return client

    client: Any = None
    try:
        client = await _asked(channel, wire, enter)
        yield Mailbox(channel, wire, client)
    finally:
        # Without a farewell: it could take long, and the server needs none.
        wire.cut()
        if client is not None:
            _shut(client)
        wire.close()


def _shut(client: Any) -> None:
    with contextlib.suppress(OSError):
        client.shutdown()


def _words(exc: BaseException) -> str:
    said = exc.args[0] if len(exc.args) == 1 else exc
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said) or type(exc).__name__
    # The library says some answers as Python would.
    return text[2:-1] if text.startswith(("b'", 'b"')) else text

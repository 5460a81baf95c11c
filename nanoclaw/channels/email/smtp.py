"""Sending one mail by SMTP (RFC 5321, 3207, 4954), over the standard library's client, in a thread.

A server answers for a mail once, after the dot at its end. Whatever fails before is certain not to have been sent; once
the dot may be with the server and no answer came, nobody can tell.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from attrs import define

from nanoclaw.channels.email.imap import Login
from nanoclaw.channels.email.wires import ANSWER_SECONDS, Server, Wire, connect, tls_context
from nanoclaw.core.notices import plain
from nanoclaw.core.retry_after import wait_in_words
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import ChannelName

T = TypeVar("T")

DONE, GO_AHEAD, LATER, REFUSED, MOST_CODE = 250, 354, 400, 500, 600
BUSY = 45
"""How the codes begin by which a server puts off one mail: 450, 451, 452. By 421 it goes away, as one that breaks."""
LATER_SECONDS = 60.0
"""Until a mail that was put off is offered again, if the server does not say (RFC 5321, 4.5.4.1: for days)."""
LOCKED_SECONDS = 300.0
"""Until a server that does not let us in is asked again: who tries all the time is locked out for longer."""
_DOTS = re.compile(rb"^\.", re.MULTILINE)


class _Smtp(smtplib.SMTP):
    """The library's protocol on a connection that is there already."""

    def __init__(self, wire: Wire, where: Server) -> None:
        self._wire, self._where = wire, where
        host = wire.line.getsockname()[0]
        # Our own name would have to be asked for, and says nothing to anybody.
        called = f"[IPv6:{host}]" if ":" in host else f"[{host}]"
        super().__init__(where.host, where.port, local_hostname=called, timeout=ANSWER_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> object:
        if self._where.tls:
            return tls_context().wrap_socket(self._wire.line, server_hostname=self._where.host)
        return self._wire.line


class _DoubtError(Exception):
    """The mail is with the server, and no answer is here. The cause says what happened."""


@define(eq=False)
class Outbox:
    """A connection that takes mails."""

    _channel: ChannelName
    _wire: Wire
    _client: smtplib.SMTP

    async def send(self, sender: str, to: str, raw: bytes) -> None:
        """Send one mail. Raises `DeliveryError`. Cancellation: leaves in doubt whether it was sent."""
        await _asked(self._channel, self._wire, lambda: self._transact(sender, to, raw))

    def _transact(self, sender: str, to: str, raw: bytes) -> None:
        client = self._client
        size = [f"size={len(raw)}"] if client.has_extn("size") else []
        for code, words in (client.mail(sender, size), client.rcpt(to), client.docmd("DATA")):
            if code not in {DONE, 251, GO_AHEAD}:
                raise smtplib.SMTPResponseException(code, words)
        try:
            client.send(_DOTS.sub(b"..", raw) + (b"" if raw.endswith(b"\r\n") else b"\r\n") + b".\r\n")
            code, words = client.getreply()
        except (OSError, smtplib.SMTPServerDisconnected) as exc:
            raise _DoubtError from exc
        if LATER <= code < MOST_CODE:
            raise smtplib.SMTPResponseException(code, words)
        if code != DONE:
            # Half an answer, too, is a number to the library.
            raise _DoubtError from smtplib.SMTPServerDisconnected(f"the answer was {code}")


@asynccontextmanager
async def open_outbox(channel: ChannelName, where: Server, login: Login) -> AsyncGenerator[Outbox]:
    """A connection to the server that takes our mail, until left. Raises `DeliveryError`."""
    wire = await connect(channel, where)

    def enter() -> smtplib.SMTP:
        client = _Smtp(wire, where)
        try:
            client.ehlo_or_helo_if_needed()
            if where.starttls:
                client.starttls(context=tls_context())
                client.ehlo_or_helo_if_needed()
            if client.has_extn("auth"):
                client.login(login.user, login.password)
        except BaseException:
            client.close()
            raise
        return client

    client: smtplib.SMTP | None = None
    try:
        client = await _asked(channel, wire, enter)
        yield Outbox(channel, wire, client)
    finally:
        # Without a farewell: the answer to the mail was the last word that matters.
        wire.cut()
        if client is not None:
            client.close()
        wire.close()


async def _asked(channel: ChannelName, wire: Wire, work: Callable[[], T]) -> T:
    try:
        return await wire.run(work)
    except _DoubtError as exc:
        why = f"no answer after the mail was sent: {plain(str(exc.__cause__))}"
        raise DeliveryError(channel=channel, why=why, retryable=True, reached=True) from None
    except smtplib.SMTPAuthenticationError as exc:
        # The account's trouble and not the message's: a person mends it, and the message waits for that.
        why = f"the mail server does not let us in: {_answer(exc)}"
        raise DeliveryError(channel=channel, why=why, retryable=True, retry_after=LOCKED_SECONDS) from None
    except smtplib.SMTPResponseException as exc:
        said = _answer(exc)
        wait = (wait_in_words(said) or LATER_SECONDS) if exc.smtp_code // 10 == BUSY else None
        why = f"the mail server says {said}"
        raise DeliveryError(channel=channel, why=why, retryable=exc.smtp_code < REFUSED, retry_after=wait) from None
    except ssl.SSLCertVerificationError as exc:
        why = f"the certificate of the mail server does not do: {plain(exc.verify_message)}"
        raise DeliveryError(channel=channel, why=why, retryable=True) from None
    except (smtplib.SMTPException, OSError) as exc:
        why = f"the mail server does not answer as it should: {plain(str(exc))}"
        raise DeliveryError(channel=channel, why=why, retryable=True) from None


def _answer(exc: smtplib.SMTPResponseException) -> str:
    words = exc.smtp_error
    said = words.decode(errors="replace") if isinstance(words, bytes) else words
    return plain(f"{exc.smtp_code} {said}")

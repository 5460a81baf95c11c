"""Somebody with a mail program of their own, on the real servers."""

from __future__ import annotations

import imaplib
import smtplib
from email.message import EmailMessage, Message
from email.parser import BytesParser
from typing import TypeVar

import trio
from attrs import define, field

from tests.support.email.post_office import PASSWORD, PostOffice

T = TypeVar("T")
PATIENCE_SECONDS = 30.0


@define(eq=False)
class Correspondent:
    """One mailbox, by the libraries of Python itself."""

    office: PostOffice
    address: str
    _sent: int = field(default=0, init=False)

    async def write(
        self,
        text: str,
        *,
        to: str = "nano@example.org",
        subject: str = "a question",
        answers: Message | None = None,
        files: dict[str, bytes] | None = None,
        logs_in: bool = True,
        **fields: str,
    ) -> str:
        """Send a mail; returns its message id. It is in the mailbox soon."""
        self._sent += 1
        mail = EmailMessage()
        own = f"{self.address.partition('@')[0]}-{self._sent}@example.org"
        mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = self.address, to, subject, f"<{own}>"
        for name, value in fields.items():
            mail[name.replace("_", "-")] = value
        if answers is not None:
            mail["In-Reply-To"] = answers["Message-ID"]
            mail["References"] = f"{answers['References'] or ''} {answers['Message-ID']}".strip()
        mail.set_content(text)
        for name, data in (files or {}).items():
            mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)

        def send() -> None:
            with smtplib.SMTP("127.0.0.1", self.office.smtp, local_hostname="home", timeout=20) as client:
                if logs_in:
                    client.login(self.address, PASSWORD)
                client.send_message(mail)

        await trio.to_thread.run_sync(send)
        return own

    async def mails(self, folder: str = "INBOX") -> list[Message]:
        """What is in a folder, oldest first."""

        def look() -> list[Message]:
            with imaplib.IMAP4("127.0.0.1", self.office.imap, timeout=20) as client:
                client.login(self.address, PASSWORD)
                client.select(folder, readonly=True)
                _, found = client.uid("SEARCH", "ALL")
                raw = [client.uid("FETCH", uid, "(BODY.PEEK[])")[1] for uid in found[0].decode().split()]
            return [BytesParser().parsebytes(one[0][1]) for one in raw]

        return await trio.to_thread.run_sync(look)

    async def until(self, number: int, folder: str = "INBOX") -> list[Message]:
        """Wait for so many. Raises `TooSlowError`."""
        with trio.fail_after(PATIENCE_SECONDS):
            while len(found := await self.mails(folder)) < number:  # noqa: ASYNC110 - the server tells nobody
                await trio.sleep(0.2)
        return found

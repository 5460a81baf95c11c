"""The fake provider of mail as the contract suite wants it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from email.header import Header
from email.message import Message
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formataddr
from itertools import count
from pathlib import Path

from attrs import define, field

from nanoclaw.channels.email.kind import KIND
from nanoclaw.channels.registry import Kind
from nanoclaw.core.notices import plain
from tests.channels.contract.putting_off import Form
from tests.channels.contract.rig import Can, Shown, Trouble
from tests.support.email.mail_host import AUTHSERV, ME, Fault, MailHost, open_mail_host, read

FAULTS = {
    Trouble.BUSY: Fault.LATER,
    Trouble.BROKEN: Fault.BROKEN,
    Trouble.SILENT: Fault.SILENT,
    Trouble.LOST: Fault.LOST,
    Trouble.CUT: Fault.CUT,
    Trouble.HANGS: Fault.MUTE,
    Trouble.HELD: Fault.HELD,
    Trouble.TOO_LARGE: Fault.NEVER,
    Trouble.FORBIDDEN: Fault.REFUSED,
}


def told(host: MailHost, **more: str) -> dict[str, str]:
    """What a channel at *host* is told."""
    return {
        "url": f"imap://127.0.0.1:{host.imap}",
        "smtp": f"smtp://127.0.0.1:{host.smtp}",
        "address": ME,
        "user": "",
        "password": host.password,
        "authserv": AUTHSERV,
        "senders": "*",
        "every": "5",
        "copies": "yes",
        **more,
    }


CAN = frozenset({Can.THREADS, Can.FILES_IN, Can.FILES_OUT, Can.GAPS, Can.RENAMES})
TROUBLES = frozenset(FAULTS)
FORMS = frozenset({Form.OWN})
"""Words, for which SMTP has no form."""


@define(eq=False)
class EmailRig:
    """See `Rig`. A conversation is one person's: `ada` speaks in the `chat`, and everybody else in the other one."""

    host: MailHost
    chat: str = "ada@example.org"
    direct: str = "bob@example.org"
    kind: Kind = field(default=KIND, init=False)
    can: frozenset[Can] = field(default=CAN, init=False)
    troubles: frozenset[Trouble] = field(default=TROUBLES, init=False)
    _numbers: count[int] = field(factory=lambda: count(1), init=False)

    @property
    def settings(self) -> Mapping[str, str]:
        return told(self.host)

    async def say(
        self,
        text: str,
        *,
        who: str = "ada",
        name: str = "Ada",
        chat: str | None = None,
        thread: str | None = None,
        mention: bool = True,
        files: Mapping[str, bytes] | None = None,
    ) -> str:
        address = chat or (self.chat if who == "ada" else self.direct)
        id_ = f"said-{next(self._numbers)}@example.org"
        mail: Message = MIMEText(text, _charset="utf-8")
        if files:
            mail = MIMEMultipart(_subparts=[mail])
            for called, data in files.items():
                part = MIMEApplication(data)
                part.add_header("Content-Disposition", "attachment", filename=called)
                mail.attach(part)
        mail["From"] = formataddr((str(Header(plain(name), "utf-8")), address))
        mail["To"] = ME
        mail["Message-ID"] = f"<{id_}>"
        mail["Authentication-Results"] = f"{AUTHSERV}; dmarc=pass header.from=example.org"
        if thread is not None:
            mail["References"] = f"<{thread}>"
        self.host.arrive(mail.as_bytes())
        return f"{id_} {address}"

    async def edit(self, message: str, text: str) -> None:
        raise NotImplementedError

    async def delete(self, message: str) -> None:
        raise NotImplementedError

    async def tell_again(self) -> None:
        self.host.number_anew()
        await self.host.drop()

    def is_acknowledged(self, message: str) -> bool:
        id_ = message.partition(" ")[0]
        return next(mail.seen for mail in self.host.inbox.mails if read(mail.raw)["Message-ID"] == f"<{id_}>")

    async def drop(self) -> None:
        await self.host.drop()

    def script(self, *troubles: Trouble) -> None:
        self.host.faults.extend(FAULTS[one] for one in troubles)

    def put_off(self, form: Form, seconds: float) -> None:
        self.host.later = f"in {seconds:.0f} seconds"
        self.script(Trouble.BUSY)

    def shown(self, chat: str) -> Sequence[Shown]:
        return [_shown(chat, read(raw)) for to, raw in self.host.sent if to == chat]


def _shown(chat: str, mail: Message) -> Shown:
    parts = list(mail.walk())
    text = next(one for one in parts if one.get_content_type() == "text/plain")
    named = {str(one.get_filename()): _data(one) for one in parts if one.get_filename()}
    thread = (mail["References"] or "").split()
    id_ = mail["Message-ID"].strip("<>")
    return Shown(
        id=f"{id_} {chat}",
        text=_data(text).decode(),
        files=named,
        thread=thread[0].strip("<>") if thread else None,
    )


def _data(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data


@asynccontextmanager
async def open_rig(_: Path) -> AsyncGenerator[EmailRig]:
    """See `OpenRig`."""
    async with open_mail_host() as host:
        yield EmailRig(host)

"""The IMAP half of the fake provider."""

from __future__ import annotations

import re
import shlex

import trio
from attrs import define, field

from tests.support.email.mail_host import ME, Folder, Mail, MailHost, day_of, read

CAPABILITIES = "IMAP4rev1 IDLE SPECIAL-USE"


@define(eq=False)
class _Session:
    host: MailHost
    line: trio.SocketStream
    folder: Folder | None = None
    inside: bool = False
    known: int = 0
    """The number of mails that the client was told of."""
    _buffer: bytearray = field(factory=bytearray)

    async def read_line(self) -> str:
        while b"\r\n" not in self._buffer:
            await self._more()
        line, _, rest = bytes(self._buffer).partition(b"\r\n")
        self._buffer = bytearray(rest)
        return line.decode()

    async def read_literal(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._more()
        data, self._buffer = bytes(self._buffer[:size]), self._buffer[size:]
        return data

    async def _more(self) -> None:
        data = await self.line.receive_some(1 << 16)
        if not data:
            raise trio.BrokenResourceError
        self._buffer += data

    async def say(self, *lines: str | bytes) -> None:
        await self.line.send_all(b"".join((one.encode() if isinstance(one, str) else one) + b"\r\n" for one in lines))

    def expect_folder(self) -> Folder:
        assert self.folder is not None, "a folder is to be selected first"
        return self.folder


async def serve_imap(host: MailHost, line: trio.SocketStream) -> None:
    """One connection."""
    async with host.connection(line):
        session = _Session(host, line)
        await session.say("* OK ready")
        while True:
            said = await session.read_line()
            tag, _, rest = said.partition(" ")
            verb, _, more = rest.partition(" ")
            if verb.upper() == "UID":
                verb, _, more = more.partition(" ")
            host.asked.append(f"{verb.upper()} {more}".strip() if verb.upper() != "LOGIN" else "LOGIN")
            await _answer(session, tag, verb.upper(), more)


async def _answer(session: _Session, tag: str, verb: str, more: str) -> None:
    match verb:
        case "CAPABILITY":
            await session.say(f"* CAPABILITY {CAPABILITIES}", f"{tag} OK done")
        case "LOGIN":
            await _login(session, tag, more)
        case "SELECT" | "EXAMINE":
            await _select(session, tag, more)
        case "LIST":
            await session.say('* LIST (\\HasNoChildren) "/" INBOX', '* LIST (\\HasNoChildren \\Sent) "/" "Sent things"')
            await session.say(f"{tag} OK done")
        case "SEARCH":
            session.known = len(session.expect_folder().mails)
            found = " ".join(str(mail.uid) for mail in session.expect_folder().mails if _fits(mail, more))
            if more.startswith("SINCE") and (late := session.host.late_for_look) is not None:
                session.host.late_for_look = None
                session.host.arrive(late)
            await session.say(f"* SEARCH {found}".strip(), f"{tag} OK done")
        case "FETCH":
            await _fetch(session, tag, more)
        case "STORE" | "APPEND":
            await (_store if verb == "STORE" else _append)(session, more)
            await session.say(f"{tag} OK done")
        case "IDLE":
            await _idle(session, tag)
        case _:
            await session.say(f"{tag} BAD what?")


async def _store(session: _Session, more: str) -> None:
    uid = int(more.partition(" ")[0])
    for mail in session.expect_folder().mails:
        mail.seen = mail.seen or mail.uid == uid


async def _append(session: _Session, more: str) -> None:
    found = re.fullmatch(r'"Sent things" \(\\Seen\) \{(\d+)\}', more)
    assert found is not None, more
    await session.say("+ go on")
    session.host.copies.add(await session.read_literal(int(found[1])))
    await session.read_line()


async def _login(session: _Session, tag: str, more: str) -> None:
    session.inside = shlex.split(more) == [ME, session.host.password]
    await session.say(f"{tag} OK in" if session.inside else f"{tag} NO [AUTHENTICATIONFAILED] wrong")


async def _select(session: _Session, tag: str, more: str) -> None:
    assert session.inside
    host = session.host
    session.folder = folder = host.inbox if more.strip('"') == "INBOX" else host.copies
    await session.say(
        f"* {len(folder.mails)} EXISTS",
        f"* OK [UIDVALIDITY {host.validity}] so",
        f"* OK [UIDNEXT {folder.next}] so",
        f"{tag} OK [READ-WRITE] done",
    )


def _fits(mail: Mail, asked: str) -> bool:
    if asked == "ALL":
        return True
    if (uid := re.fullmatch(r"UID (\d+):\*", asked)) is not None:
        # The last of all always fits; so it is here for each: the client has to look.
        return mail.uid >= int(uid[1]) - 1
    if (day := re.fullmatch(r"SINCE (\S+)", asked)) is not None:
        return mail.at >= day_of(day[1])
    found = re.fullmatch(r'HEADER Message-ID "?(<[^">]+>)"?', asked)
    assert found is not None, asked
    return read(mail.raw)["Message-ID"] == found[1]


async def _fetch(session: _Session, tag: str, more: str) -> None:
    found = re.fullmatch(r"([\d,]+) \((.+)\)", more)
    assert found is not None, more
    wanted = {int(one) for one in found[1].split(",")}
    for number, mail in enumerate(session.expect_folder().mails, start=1):
        if mail.uid not in wanted:
            continue
        if found[2].startswith("RFC822.SIZE"):
            at = mail.at.strftime("%d-%b-%Y %H:%M:%S +0000")
            said = f'RFC822.SIZE {len(mail.raw)} INTERNALDATE "{at}"'
            await session.say(f"* {number} FETCH (UID {mail.uid} {said})")
            continue
        part = re.fullmatch(r"BODY\.PEEK\[(HEADER)?\]<0\.(\d+)>", found[2])
        assert part is not None, found[2]
        data = (mail.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n") if part[1] else mail.raw
        data = data[: int(part[2])]
        await session.say(f"* {number} FETCH (UID {mail.uid} BODY[{part[1] or ''}]<0> {{{len(data)}}}", data + b")")
    await session.say(f"{tag} OK done")


async def _idle(session: _Session, tag: str) -> None:
    news, folder = session.host.news, session.expect_folder()
    if (late := session.host.late) is not None:
        session.host.late = None
        folder.add(late)
    there = [f"* {len(folder.mails)} EXISTS"] if session.known != len(folder.mails) else []
    await session.say("+ idling", *there)
    session.host.waited_for.set()
    async with trio.open_nursery() as nursery:

        async def tell() -> None:
            await news.wait()
            await session.say(f"* {len(session.expect_folder().mails)} EXISTS")

        nursery.start_soon(tell)
        assert await session.read_line() == "DONE"
        nursery.cancel_scope.cancel()
    await session.say(f"{tag} OK done")

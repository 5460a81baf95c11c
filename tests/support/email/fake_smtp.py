"""The SMTP half of the fake provider."""

from __future__ import annotations

import base64

import trio
from attrs import define, field

from tests.support.email.mail_host import ME, Fault, MailHost

AT_RCPT = {Fault.LATER, Fault.REFUSED}
AFTER = {Fault.LATE, Fault.NEVER}


@define(eq=False)
class _Session:
    host: MailHost
    line: trio.SocketStream
    to: str = ""
    inside: bool = False
    fault: Fault | None = None
    buffer: bytearray = field(factory=bytearray)

    async def read_until(self, end: bytes) -> bytes:
        while end not in self.buffer:
            data = await self.line.receive_some(1 << 16)
            if not data:
                raise trio.BrokenResourceError
            self.buffer += data
        found, _, rest = bytes(self.buffer).partition(end)
        self.buffer = bytearray(rest)
        return found

    async def say(self, text: str) -> None:
        await self.line.send_all(text.encode() + b"\r\n")


async def serve_smtp(host: MailHost, line: trio.SocketStream) -> None:
    """One connection."""
    async with host.connection(line):
        session = _Session(host, line, fault=host.faults.popleft() if host.faults else None)
        if session.fault is Fault.BROKEN:
            await session.say("421 closing down")
            return
        await session.say("220 ready")
        while await _answer(session, (await session.read_until(b"\r\n")).decode()):
            pass


async def _answer(session: _Session, said: str) -> bool:
    verb = said.partition(" ")[0].upper()
    session.host.asked.append(verb)
    match verb:
        case "EHLO":
            await session.say("250-example.org\r\n250-SIZE 30000000\r\n250 AUTH PLAIN")
        case "AUTH":
            told = base64.b64decode(said.rpartition(" ")[2]).decode()
            session.inside = told == f"\0{ME}\0{session.host.password}"
            await session.say("235 in" if session.inside else "535 wrong")
        case "MAIL":
            await session.say("250 so" if session.inside else "530 who are you?")
        case "RCPT":
            session.to = said.partition("<")[2].partition(">")[0]
            later = f" {session.host.later}" if session.fault is Fault.LATER else ""
            await session.say(f"{session.fault.value}{later}" if session.fault in AT_RCPT else "250 so")
        case "DATA":
            await session.say("354 go on")
            return await _take(session)
        case _:
            await session.say("502 what?")
    return True


async def _take(session: _Session) -> bool:
    if session.fault is Fault.SILENT:
        await session.line.receive_some(100)
        return False
    raw = (await session.read_until(b"\r\n.\r\n")).replace(b"\r\n..", b"\r\n.") + b"\r\n"
    if session.fault in AFTER:
        await session.say(session.fault.value)
        return True
    if session.fault is Fault.MUTE:
        await trio.sleep_forever()
    session.host.sent.append((session.to, raw))
    if session.host.bounce is not None:
        session.host.arrive(session.host.bounce(session.to, raw))
    if session.fault is Fault.HELD:
        await trio.sleep_forever()
    if session.fault is Fault.LOST:
        return False
    if session.fault is Fault.CUT:
        await session.line.send_all(b"25")
        return False
    await session.say("250 taken")
    return True

"""The fake homeserver as the contract suite wants it."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

from nanoclaw.channels.matrix.kind import KIND
from nanoclaw.channels.registry import Kind
from tests.channels.contract.putting_off import EVERY_FORM, Form, put_off
from tests.channels.contract.rig import Can, Shown, Trouble
from tests.support.fake_http import Fault, Half, Hang, Reply, Reset
from tests.support.matrix.homeserver import ME, TOKEN, Homeserver, open_homeserver, trouble

FAULTS: dict[Trouble, Fault] = {
    Trouble.BUSY: trouble(429, "M_LIMIT_EXCEEDED", "Too many requests", retry_after_ms=200),
    Trouble.BROKEN: Reply(status=502, body=b"<html>"),
    Trouble.SILENT: Reset(),
    Trouble.LOST: Reset(accept=True),
    Trouble.CUT: Half(),
    Trouble.HANGS: Hang(),
    Trouble.HELD: Hang(accept=True),
    Trouble.TOO_LARGE: trouble(413, "M_TOO_LARGE", "event too large"),
    Trouble.FORBIDDEN: trouble(403, "M_FORBIDDEN", "You may not speak here"),
    Trouble.MARKUP: trouble(400, "M_BAD_JSON", "formatted_body makes no sense"),
}
CAN = frozenset(Can)
TROUBLES = frozenset(FAULTS)
FORMS = EVERY_FORM


@define(eq=False)
class MatrixRig:
    """See `Rig`. A person `ada` is `@ada:example.org` there."""

    server: Homeserver
    chat: str = "!hall:example.org"
    direct: str = "!ada:example.org"
    kind: Kind = field(default=KIND, init=False)
    can: frozenset[Can] = field(default=CAN, init=False)
    troubles: frozenset[Trouble] = field(default=TROUBLES, init=False)

    @property
    def settings(self) -> Mapping[str, str]:
        return {"url": self.server.url, "token": TOKEN, "invites": "*"}

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
        room, user = chat or self.chat, f"@{who}:example.org"
        if self.server.state(room).get(("m.room.member", user), {}).get("content", {}).get("displayname") != name:
            self.server.member(room, user, name=name)
        content: dict[str, Any] = {"m.mentions": {"user_ids": [ME]} if mention else {}}
        if thread is not None:
            content["m.relates_to"] = {"rel_type": "m.thread", "event_id": thread}
        for number, (called, data) in enumerate((files or {}).items()):
            url = f"mxc://example.org/in{len(self.server.media)}x{number}"
            self.server.media[url] = data
            content |= {"msgtype": "m.file", "filename": called, "url": url}
            text = text or called
        return self.server.said(room, text, by=user, **content)

    async def edit(self, message: str, text: str) -> None:
        room, event = self._find(message)
        self.server.edited(room, message, text, by=event["sender"])

    async def delete(self, message: str) -> None:
        room, event = self._find(message)
        self.server.taken_back(room, message, by=event["sender"])

    async def tell_again(self) -> None:
        self.server.tell_again()

    def is_acknowledged(self, message: str) -> bool:
        at = next(at for at, (_, event) in enumerate(self.server.stream) if event["event_id"] == message)
        return at < self.server.acknowledged

    async def drop(self) -> None:
        await self.server.drop()

    def script(self, *troubles: Trouble) -> None:
        self.server.http.fail("/send/", *(FAULTS[one] for one in troubles))

    def put_off(self, form: Form, seconds: float) -> None:
        """See `Rig`."""
        self.server.http.fail(
            "/send/",
            put_off(
                form,
                seconds,
                lambda seconds: trouble(429, "M_LIMIT_EXCEEDED", "slow down", retry_after_ms=round(seconds * 1_000)),
            ),
        )

    def shown(self, chat: str) -> Sequence[Shown]:
        return [
            Shown(
                id=one.id,
                text="" if one.file is not None else _read(one.html) if one.html else one.text,
                files={} if one.file is None else {one.text: one.file},
                thread=one.thread,
                pings=bool(one.mentions.get("room")),
            )
            for one in self.server.shown(chat)
        ]

    def _find(self, message: str) -> tuple[str, dict[str, Any]]:
        return next((room, event) for room, event in self.server.stream if event["event_id"] == message)


def _read(looks: str) -> str:
    """What people read of HTML."""
    return html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"<br>|</p>\n?(?=.)", "\n", looks)))


@asynccontextmanager
async def open_rig(_: Path) -> AsyncGenerator[MatrixRig]:
    """See `OpenRig`."""
    async with open_homeserver() as server:
        rig = MatrixRig(server)
        server.make_room(rig.chat, "@ada:example.org", "@bob:example.org", name="The hall")
        server.make_room(rig.direct)
        yield rig

"""A Parrot on loopback, with people on it, for the contract suite: the server that docs/channels.md describes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from nanoclaw.channels.registry import Kind
from tests.channels.contract.putting_off import EVERY_FORM, Form, put_off
from tests.channels.contract.rig import Can, Shown, Trouble
from tests.channels.example.nanoclaw_parrot import KIND
from tests.support.fake_http import Asked, FakeHttp, Fault, Half, Hang, Reply, Reset, open_http, reply

TOKEN = "a-token-of-a-parrot"  # noqa: S105 - of a fake
FAULTS: Mapping[Trouble, Fault] = {
    Trouble.BUSY: Reply(status=429, headers={"retry-after": "0.2"}),
    Trouble.BROKEN: Reply(status=500),
    Trouble.SILENT: Reset(),
    Trouble.LOST: Reset(accept=True),
    Trouble.CUT: Half(most=0),
    Trouble.HANGS: Hang(),
    Trouble.HELD: Hang(accept=True),
    Trouble.TOO_LARGE: Reply(status=413, body=b'{"error": "too long"}'),
    Trouble.FORBIDDEN: Reply(status=403, body=b'{"error": "not here"}'),
}


@define(eq=False)
class Server:
    """What a Parrot knows."""

    news: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    said: dict[str, dict[str, Any]] = field(factory=dict[str, dict[str, Any]])
    """What we said, by its key."""
    read_to: int = 0
    again: bool = False
    """Shall the next who asks be told everything once more?"""
    _more: trio.Event = field(factory=trio.Event)

    async def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return reply({"error": "who are you?"}, 401)
        match asked.method, asked.path:
            case "GET", "/me":
                return reply("Polly")
            case "POST", "/say":
                said = self.said.setdefault(asked.json["key"], {**asked.json, "number": len(self.said) + 1})
                return reply(said["number"])
            case "GET", "/news":
                return await self._tell(int(asked.query["after"]))
            case _:
                return reply({"error": "there is no such thing"}, 404)

    async def _tell(self, after: int) -> Reply:
        self.read_to = max(self.read_to, after)
        if self.again:
            self.again = False
            return reply(self.news)
        while len(self.news) <= after:
            await self._more.wait()
        return reply(self.news[after:])

    def add(self, news: dict[str, Any]) -> str:
        self.news.append({"number": len(self.news) + 1, **news})
        self.wake()
        return str(len(self.news))

    def wake(self) -> None:
        self._more.set()
        self._more = trio.Event()


CAN = frozenset({Can.GROUPS, Can.GAPS, Can.RENAMES})
TROUBLES = frozenset(FAULTS)
FORMS = EVERY_FORM


@define(eq=False)
class ParrotRig:
    """A `Rig`."""

    http: FakeHttp
    server: Server
    kind: Kind = field(default=KIND, init=False)
    can: frozenset[Can] = field(default=CAN, init=False)
    troubles: frozenset[Trouble] = field(default=TROUBLES, init=False)
    chat: str = field(default="perch", init=False)
    direct: str = field(default="@ada", init=False)
    _users: dict[str, int] = field(factory=dict[str, int], init=False)

    @property
    def settings(self) -> Mapping[str, str]:
        return {"url": self.http.url, "token": TOKEN}

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
        await trio.lowlevel.checkpoint()
        where = chat or self.chat
        return self.server.add(
            {
                "chat": where,
                "group": where != self.direct,
                "user": self._users.setdefault(who, len(self._users) + 1),
                "called": name,
                "text": text,
                "to_us": mention or where == self.direct,
            }
        )

    async def edit(self, message: str, text: str) -> None:
        raise NotImplementedError

    async def delete(self, message: str) -> None:
        raise NotImplementedError

    async def tell_again(self) -> None:
        self.server.again = True
        await self.http.drop()

    def is_acknowledged(self, message: str) -> bool | None:
        return self.server.read_to >= int(message)

    async def drop(self) -> None:
        await self.http.drop()

    def script(self, *troubles: Trouble) -> None:
        self.http.fail("POST /say", *(FAULTS[trouble] for trouble in troubles))

    def put_off(self, form: Form, seconds: float) -> None:
        """See `Rig`."""
        self.http.fail(
            "POST /say",
            put_off(form, seconds, lambda seconds: Reply(status=429, headers={"retry-after": f"{seconds}"})),
        )

    def shown(self, chat: str) -> Sequence[Shown]:
        return [
            Shown(id=str(one["number"]), text=one["text"]) for one in self.server.said.values() if one["chat"] == chat
        ]


@asynccontextmanager
async def open_rig(_: Path) -> AsyncGenerator[ParrotRig]:
    """See `OpenRig`."""
    server = Server()
    async with open_http(server.answer) as http:
        yield ParrotRig(http, server)

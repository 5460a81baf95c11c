"""Webhooks for the contract suite: a program that calls under two sources, and takes replies."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import trio
from attrs import define, field

from nanoclaw.channels.registry import Kind
from nanoclaw.channels.webhook.kind import KIND
from tests.channels.contract.putting_off import EVERY_FORM, Form, put_off
from tests.channels.contract.rig import Can, Shown, Trouble
from tests.channels.webhook.calls import WHSEC, by_standard, written
from tests.support.fake_http import Asked, FakeHttp, Fault, Half, Hang, Reply, Reset, open_http, reply
from tests.support.ports import free_port

REPLY_SECRET = "a-secret-of-the-replies"  # noqa: S105 - of a fake
AGAIN_SECONDS = 0.05
FAULTS: Mapping[Trouble, Fault] = {
    Trouble.BUSY: Reply(status=429, headers={"retry-after": "0.2"}),
    Trouble.BROKEN: Reply(status=500),
    Trouble.SILENT: Reset(),
    Trouble.LOST: Reset(accept=True),
    Trouble.CUT: Half(),
    Trouble.HANGS: Hang(),
    Trouble.HELD: Hang(accept=True),
    Trouble.TOO_LARGE: Reply(status=413, body=b"too large"),
    Trouble.FORBIDDEN: Reply(status=403, body=b'{"error": "not here"}'),
}
CAN = frozenset({Can.GAPS})
TROUBLES = frozenset(FAULTS)
FORMS = EVERY_FORM


@define(eq=False)
class WebhookRig:
    """A `Rig`. Each source is a chat, and whoever speaks in it."""

    _http: FakeHttp
    _client: httpx2.AsyncClient
    _nursery: trio.Nursery
    _port: int
    _shown: dict[str, Asked]
    kind: Kind = field(default=KIND, init=False)
    can: frozenset[Can] = field(default=CAN, init=False)
    troubles: frozenset[Trouble] = field(default=TROUBLES, init=False)
    chat: str = field(default="ci", init=False)
    direct: str = field(default="ada", init=False)
    _calls: dict[str, tuple[str, dict[str, str], bytes]] = field(
        factory=dict[str, tuple[str, dict[str, str], bytes]], init=False
    )
    _acknowledged: set[str] = field(factory=set[str], init=False)

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "url": f"http://127.0.0.1:{self._port}",
            "sources": f"ci generic {WHSEC}; ada generic {WHSEC}",
            "reply_url": f"{self._http.url}/replies",
            "reply_secret": REPLY_SECRET,
        }

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
        source = chat or self.chat
        body = written({"text": text, "sender": name, "senderId": who, "thread": thread, "mention": mention})
        number = f"msg_{len(self._calls)}"
        call = (source, by_standard(body, number, time.time()), body)
        key = f"{source}/{number}"
        self._calls[key] = call
        self._nursery.start_soon(self._tell, key)
        return key

    async def _tell(self, key: str) -> None:
        """Call until it is taken, as senders do."""
        source, headers, body = self._calls[key]
        url = f"http://127.0.0.1:{self._port}/hooks/{source}"
        while True:
            try:
                answer = await self._client.post(url, content=body, headers=headers)
            except httpx2.TransportError:
                await trio.sleep(AGAIN_SECONDS)
                continue
            if answer.status_code == 200:
                self._acknowledged.add(key)
                return
            await trio.sleep(AGAIN_SECONDS)

    async def edit(self, message: str, text: str) -> None:
        raise NotImplementedError

    async def delete(self, message: str) -> None:
        raise NotImplementedError

    async def tell_again(self) -> None:
        async with trio.open_nursery() as nursery:
            for key in self._calls:
                nursery.start_soon(self._tell, key)

    def is_acknowledged(self, message: str) -> bool | None:
        return message in self._acknowledged

    async def drop(self) -> None:
        """There is no connection that stays."""
        await self._http.drop()

    def script(self, *troubles: Trouble) -> None:
        self._http.fail("POST /replies", *(FAULTS[trouble] for trouble in troubles))

    def put_off(self, form: Form, seconds: float) -> None:
        """See `Rig`."""
        self._http.fail(
            "POST /replies",
            put_off(form, seconds, lambda seconds: Reply(status=429, headers={"retry-after": f"{seconds:.0f}"})),
        )

    def shown(self, chat: str) -> Sequence[Shown]:
        said = [(key, asked.json["data"]) for key, asked in self._shown.items()]
        return [Shown(id=key, text=data["text"]) for key, data in said if data["source"] == chat]


@asynccontextmanager
async def open_rig(_: Path) -> AsyncGenerator[WebhookRig]:
    """See `OpenRig`."""
    shown: dict[str, Asked] = {}

    async def take(asked: Asked) -> Reply:
        await trio.lowlevel.checkpoint()
        shown.setdefault(asked.headers["webhook-id"], asked)
        return reply({"taken": True, "name": asked.headers["webhook-id"]})

    port = free_port()
    async with (
        open_http(take) as http,
        httpx2.AsyncClient(trust_env=False, verify=False) as client,
        trio.open_nursery() as nursery,
    ):
        yield WebhookRig(http, client, nursery, port, shown)
        nursery.cancel_scope.cancel()

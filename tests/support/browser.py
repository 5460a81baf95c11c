"""A browser for the web page, as far as the host can tell: a cookie, requests with an origin, and one socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import trio
from attrs import define, field
from trio_websocket import WebSocketConnection, wrap_client_stream

PATIENCE = 20.0


@define(eq=False)
class Page:
    """An open page."""

    socket: WebSocketConnection
    chat: str = ""
    items: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    """What it was shown of the conversation that it looks at."""
    seen: int = 0
    drafts: list[dict[str, Any]] = field(factory=list[dict[str, Any]])

    async def say(self, word: str, **frame: object) -> None:
        """Say *word* with *frame* to the host."""
        await self.socket.send_message(f"{word} {json.dumps(frame)}")

    async def hear(self, *kinds: str) -> dict[str, Any]:
        """The next frame of one of these kinds; what comes before it is shown, as a page does."""
        with trio.fail_after(PATIENCE):
            while True:
                frame: dict[str, Any] = json.loads(await self.socket.get_message())
                if frame["type"] == "items" and frame["chat"] == self.chat:
                    there = {item["position"] for item in self.items}
                    self.items += [item for item in frame["items"] if item["position"] not in there]
                    self.items.sort(key=lambda item: int(item["position"]))
                    self.seen = max(self.seen, frame["last"])
                if frame["type"] == "draft":
                    self.drafts.append(frame)
                if frame["type"] in kinds:
                    return frame

    async def open(self, chat: str, after: int | None = None) -> None:
        """Look at that conversation."""
        self.chat, self.seen = chat, after or 0
        await self.say("open", chat=chat, **({} if after is None else {"after": after}))
        await self.hear("open")

    async def write(self, text: str, number: int = 1, **more: object) -> dict[str, Any]:
        """Say something there; whether it was kept."""
        await self.say("say", id=f"message-{number}", chat=self.chat, text=text, **more)
        return await self.hear("kept", "declined")

    async def shown(self, number: int = 1) -> list[dict[str, Any]]:
        """What agents and the host have said there, once it is so much."""
        while len(found := [item for item in self.items if item["type"] == "shown"]) < number:
            await self.hear("items")
        return found


@define(eq=False)
class Browser:
    """One browser, which may be logged in."""

    port: int
    http: httpx2.AsyncClient

    @property
    def origin(self) -> str:
        """Of the page."""
        return f"http://127.0.0.1:{self.port}"

    async def post(self, path: str, data: bytes = b"", **headers: str) -> httpx2.Response:
        """Post *data*, as our own page does if nothing else is said."""
        return await self.http.post(path, content=data, headers={"Origin": self.origin, **headers})

    async def log_in(self, link: str) -> httpx2.Response:
        """Open a one-time link."""
        return await self.post("/login", link.partition("#login=")[2].encode())

    async def send_file(self, name: str, data: bytes) -> str:
        """Send a file ahead of a message; the id by which it is taken."""
        answer = await self.http.post("/files", params={"name": name}, content=data, headers={"Origin": self.origin})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def knock(self, **headers: str) -> int:
        """Ask for a socket that the host should refuse; the status of its answer."""
        wish = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        said = {**wish, "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==", "Origin": self.origin, **headers}
        return (await self.http.get("/live", headers=said)).status_code

    @asynccontextmanager
    async def page(self, chat: str = "operator/main", after: int | None = None) -> AsyncIterator[Page]:
        """An open page that looks at *chat*."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        said = [(b"Origin", self.origin.encode()), (b"Cookie", cookies.encode())]
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        try:
            async with trio.open_nursery() as nursery:
                host = f"127.0.0.1:{self.port}"
                connection = await wrap_client_stream(
                    nursery, stream, host, "/live", extra_headers=said, max_message_size=32 << 20
                )
                page = Page(connection)
                if chat:
                    await page.open(chat, after)
                yield page
                await connection.aclose()
        finally:
            with trio.move_on_after(0, shield=True):
                await stream.aclose()

    async def deaf(self, chat: str) -> trio.SocketStream:
        """A page that looks at *chat* and takes nothing of what it is sent."""
        plain = trio.socket.socket()
        plain.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 4096)
        await plain.connect(("127.0.0.1", self.port))
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        wish = (
            f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nOrigin: {self.origin}\r\nCookie: {cookies}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        )
        said = f'open {{"chat": "{chat}"}}'.encode()
        # A text frame, masked with nothing.
        stream = trio.SocketStream(plain)
        await stream.send_all(wish.encode())
        assert b" 101 " in await stream.receive_some()
        await stream.send_all(bytes([0x81, 0x80 | len(said), 0, 0, 0, 0]) + said)
        return stream


@asynccontextmanager
async def browser(port: int) -> AsyncIterator[Browser]:
    """A new browser, with nothing in it."""
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", verify=False, trust_env=False, timeout=PATIENCE
    ) as http:
        yield Browser(port, http)

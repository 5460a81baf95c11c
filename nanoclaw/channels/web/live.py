"""One open page: hears what its person says, and shows what comes to be in the conversation that it looks at.

Each page knows how far it has seen. Whatever happens to it, it says so when it comes back, and is shown what is behind
that, from the truth; mail from the rest of the house only says "look again".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import NoReturn

import trio
from attrs import define, field
from starlette.websockets import WebSocket, WebSocketDisconnect

from nanoclaw.channels.base import NotHeard, Receive
from nanoclaw.channels.web import frames
from nanoclaw.channels.web.frames import Begin, Look, Older, Open, Say, Timeline
from nanoclaw.channels.web.markdown import plain, render
from nanoclaw.channels.web.truth import Truth
from nanoclaw.channels.web.uploads import Uploads
from nanoclaw.channels.web.watch import Watch
from nanoclaw.core.conversations import WEB, Item, Person, Stretch
from nanoclaw.errors import StoreError
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.model.ids import QuestionId
from nanoclaw.model.messages import Choice, InboundEvent
from schema.payloads import PayloadError

LOOK_SECONDS = 60.0
"""A page looks at the truth as often, in case mail was lost."""
SEND_SECONDS = 20.0
"""A page that takes nothing for so long is gone."""
RENDERING = trio.CapacityLimiter(1)
"""One text at a time: hostile ones are slow, and shall not be slow side by side."""


class GoneError(Exception):
    """The page takes nothing any more."""


@define(eq=False)
class Live:
    """A page that is open."""

    person: Person
    login: str
    """The digest of the login that it was opened with."""
    _socket: WebSocket
    _truth: Truth
    _uploads: Uploads
    _receive: Receive
    _news: Callable[[str], None]
    """Told of a conversation in which something was said."""
    chat: str | None = field(default=None, init=False)
    """The conversation that it looks at."""
    _seen: int = field(default=0, init=False)
    """The position up to which it was shown that."""
    _scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _mail: Mailbox[str] = field(factory=Mailbox[str], init=False)
    _drafts: dict[str, dict[str, object]] = field(factory=dict[str, dict[str, object]], init=False)
    _looking: trio.Lock = field(factory=trio.Lock, init=False)
    _sending: trio.Lock = field(factory=trio.Lock, init=False)
    _watch: Watch = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._watch = Watch(self._truth, self.person, self._send, self._send_text)

    def look(self, chat: str) -> None:
        """There may be something new in that conversation. Never blocks."""
        self._mail.post(chat)

    def draft(self, reply: str, frame: dict[str, object]) -> None:
        """Show how far a reply is; only the latest of each waits. Never blocks."""
        self._drafts[reply] = frame
        self._mail.post("")

    async def run(self) -> None:
        """Serve the page until it is closed, or its login ends."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._tell)
                    nursery.start_soon(self._watch.run)
                    await self._hear()
        except* (WebSocketDisconnect, GoneError):
            pass

    def end(self) -> None:
        """Its person was logged out. Never blocks."""
        self._scope.cancel()

    async def _hear(self) -> NoReturn:
        await self._list()
        while True:
            text = await self._socket.receive_text()
            try:
                said = frames.read_page(text)
            except PayloadError as exc:
                await self._send({"type": "trouble", "why": str(exc)})
                continue
            try:
                await self._do(said)
            except StoreError as exc:
                frame = {"type": "declined", "id": said.id} if isinstance(said, Say) else {"type": "trouble"}
                await self._send({**frame, "why": str(exc)})

    async def _do(self, said: frames.FromPage) -> None:
        match said:
            case Look() | Timeline() if not await self._truth.may_look(self.person):
                await self._send({"type": "trouble", "why": "only owners and global admins see the house"})
            case Look(on=on):
                self._watch.turn(on=on)
            case Timeline(session=session):
                found = await self._truth.timeline(session)
                await self._send({"type": "timeline", "session": session, "found": found})
            case Begin(agent=agent, name=name):
                begun = await self._truth.begin(self.person, agent, name)
                if begun is None:
                    await self._send({"type": "trouble", "why": "you cannot begin a conversation with that agent"})
                    return
                await self._list(begun)
            case Open() | Older() | Say() if not await self._may_see(said.chat):
                await self._send({"type": "trouble", "why": "there is no such conversation"})
            case Open(chat=chat, after=after):
                await self._open(chat, after)
            case Older(chat=chat, before=before):
                await self._show(chat, await self._truth.before(chat, before), how="older")
            case Say():
                await self._say(said)

    async def _may_see(self, chat: str) -> bool:
        return any(one.id == chat for one in await self._truth.conversations(self.person))

    async def _list(self, begun: str | None = None) -> None:
        found = tuple(await self._truth.conversations(self.person))
        agents = [{"id": one.id, "name": one.name} for one in await self._truth.agents(self.person)]
        await self._send(
            {
                "type": "chats",
                "chats": frames.conversations(found),
                "agents": agents,
                "begun": begun or "",
                "console": await self._truth.may_look(self.person),
            }
        )

    async def _open(self, chat: str, after: int | None) -> None:
        async with self._looking:
            ends = {one.id: one.last for one in await self._truth.conversations(self.person)}
            self.chat = chat
            # A page may have seen more than there is, where the home was restored from a copy.
            if after is not None and after <= ends[chat]:
                self._seen = after
                await self._send({"type": "open", "chat": chat, "again": True})
                await self._catch_up(chat)
                return
            stretch = await self._truth.before(chat, None)
            self._seen = stretch.last
            await self._send({"type": "open", "chat": chat, "again": False})
            await self._show(chat, stretch, how="older")

    async def _say(self, said: Say) -> None:
        message = frames.message_id(self.person, said.id)
        files = self._uploads.take(self.person, said.files)
        if files is None:
            # It may have come before, and the page was cut off before it heard so.
            kept = await self._truth.knows(message)
            why = "the files that belong to it are not there any more: attach them again"
            await self._send({"type": "kept", "id": said.id} if kept else _declined(said, why))
            return
        event = InboundEvent(
            channel=WEB,
            platform_message_id=message,
            platform_id=said.chat,
            mention=True,
            is_group=False,
            chat_name=f"{self.person.name} on the web page",
            sender_id=self.person.user,
            sender=self.person.name,
            text=said.text,
            attachments=files,
            choice=None if said.choice is None else Choice(question=QuestionId(said.question or ""), said=said.choice),
        )
        receipt = await self._receive(event)
        if isinstance(receipt, NotHeard):
            await self._send(_declined(said, receipt.detail))
        else:
            await self._send({"type": "kept", "id": said.id})
        self._news(said.chat)

    async def _tell(self) -> NoReturn:
        while True:
            letters: tuple[str, ...] = ()
            with trio.move_on_after(LOOK_SECONDS):
                letters = await self._mail.read_all()
            async with self._looking:
                if self.chat is not None and (not letters or self.chat in letters):
                    await self._catch_up(self.chat)
            for chat in letters:
                if chat not in ("", self.chat):
                    await self._send({"type": "news", "chat": chat})
            while self._drafts:
                _, frame = self._drafts.popitem()
                await self._send(frame)

    async def _catch_up(self, chat: str) -> None:
        more = True
        while more:
            stretch = await self._truth.behind(chat, self._seen)
            if stretch.items:
                await self._show(chat, stretch, how="newer")
            self._seen, more = stretch.last, stretch.more

    async def _show(self, chat: str, stretch: Stretch, *, how: str) -> None:
        make = partial(_items, self.person, stretch.items)
        made = await trio.to_thread.run_sync(make, limiter=RENDERING, abandon_on_cancel=True)
        await self._send(
            {"type": "items", "chat": chat, "how": how, "items": made, "last": stretch.last, "more": stretch.more}
        )

    async def _send(self, frame: dict[str, object]) -> None:
        await self._send_text(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))

    async def _send_text(self, text: str) -> None:
        async with self._sending:
            with trio.move_on_after(SEND_SECONDS) as patience:
                await self._socket.send_text(text)
        if patience.cancelled_caught:
            raise GoneError


def _items(person: Person, items: tuple[Item, ...]) -> list[dict[str, object]]:
    return [frames.item(person, one, render, plain) for one in items]


def _declined(said: Say, why: str) -> dict[str, object]:
    return {"type": "declined", "id": said.id, "why": why}

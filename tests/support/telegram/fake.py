"""A Bot API over HTTP, as far as the channel uses it.

Made from core.telegram.org/bots/api: "Making requests", "Getting updates" (getUpdates, Update), "Available types"
(Message, MessageEntity, CallbackQuery, InlineKeyboardButton, ResponseParameters), "Available methods" (getMe,
sendMessage, sendDocument, sendPhoto, setMessageReaction, sendChatAction, getFile, answerCallbackQuery, "Formatting
options"), "Updating messages" (editMessageText), and from core.telegram.org/bots/features, "Privacy mode".
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from email import message_from_bytes
from html.parser import HTMLParser
from typing import Any

import trio
from attrs import define, field

from tests.support.fake_http import Asked, FakeHttp, Reply, open_http, reply

TOKEN = "123456:AAExampleExampleExampleExample"  # noqa: S105  # nobody's
BOT = {"id": 123456, "is_bot": True, "first_name": "Nano", "username": "nano_bot", "can_read_all_group_messages": True}
GROUP = -1001234
MOST_TEXT, MOST_DATA, MOST_FILE = 4096, 64, 20 << 20
REACTIONS = {"👍", "❤", "🔥"}
TAGS = {"b", "i", "u", "s", "a", "code", "pre", "blockquote"}
SHOWS = ("sendMessage", "sendDocument", "sendPhoto")


class RefusalError(Exception):
    """What Telegram says instead."""

    def __init__(self, status: int, words: str, **parameters: object) -> None:
        super().__init__(words)
        self.said = {"ok": False, "error_code": status, "description": words}
        self.status = status
        if parameters:
            self.said["parameters"] = parameters


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text, self.open = "", list[str]()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in TAGS:
            raise RefusalError(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise RefusalError(400, "Bad Request: can't parse entities: Unmatched end tag")

    def handle_data(self, data: str) -> None:
        self.text += data


def understood(body: Mapping[str, Any]) -> str:
    """The text of a message as people see it; raises `RefusalError`."""
    text = str(body.get("text", ""))
    if body.get("parse_mode") == "HTML":
        html = _Html()
        html.feed(text)
        html.close()
        if html.open:
            raise RefusalError(400, f"Bad Request: can't parse entities: Can't find end tag for {html.open[-1]}")
        text = html.text
    if not text.strip():
        raise RefusalError(400, "Bad Request: message text is empty")
    if len(text.encode("utf-16-le")) // 2 > MOST_TEXT:
        raise RefusalError(400, "Bad Request: message is too long")
    return text


@define(eq=False)
class FakeTelegram:
    """One bot, and whatever chats are spoken of."""

    http: FakeHttp = field(init=False)
    updates: list[dict[str, Any]] = field(factory=list[dict[str, Any]], init=False)
    shown: list[dict[str, Any]] = field(factory=list[dict[str, Any]], init=False)
    """Our messages as they are now: `id`, `chat`, `text`, `thread`, `files`, `keyboard`, `reactions`, `answers`."""
    calls: list[tuple[str, dict[str, Any]]] = field(factory=list[tuple[str, dict[str, Any]]], init=False)
    troubles: list[str] = field(factory=list[str], init=False)
    """What happens to the next requests that would show something: words of `contract.rig.Trouble`."""
    confirmed: int = field(default=0, init=False)
    """All updates below that number are."""
    again: bool = field(default=False, init=False)
    """Are all updates told once more, whatever is confirmed?"""
    moved: dict[int, int] = field(factory=dict[int, int], init=False)
    gone: set[str] = field(factory=set[str], init=False)
    """Files that cannot be fetched."""
    drafts: dict[int, str] = field(factory=dict[int, str], init=False)
    """What is previewed, by chat."""
    previews: bool = field(default=True, init=False)
    """Is there `sendMessageDraft`?"""
    webhook: str = field(default="", init=False)
    files: dict[str, bytes] = field(factory=dict[str, bytes], init=False)
    _polls: int = field(default=0, init=False)
    _number: int = field(default=100, init=False)
    _news: trio.Event = field(factory=trio.Event, init=False)

    def tell(self, kind: str, what: Mapping[str, Any]) -> int:
        """Something happens; the number of its update."""
        number = 1000 + len(self.updates)
        self.updates.append({"update_id": number, kind: dict(what)})
        self.wake()
        return number

    def message(self, chat: int, sender: Mapping[str, Any] | None, **more: object) -> dict[str, Any]:
        """A message as the documentation has it; not told yet."""
        self._number += 1
        kind = {"id": chat, "type": "private", "first_name": "Ada"} if chat > 0 else {}
        kind = kind or {"id": chat, "type": "supergroup", "title": "Lab", "is_forum": True}
        said = {"message_id": self._number, "date": 1_700_000_000, "chat": kind, **more}
        return {**said, "from": dict(sender)} if sender is not None else said

    def wake(self) -> None:
        """Answer whoever waits for updates."""
        self._news.set()
        self._news = trio.Event()

    async def drop(self) -> None:
        """Cut all connections."""
        for stream in list(self.http._open):
            await trio.aclose_forcefully(stream)

    async def answer(self, asked: Asked) -> Reply:
        """Any request."""
        if asked.path.startswith(f"/file/bot{TOKEN}/"):
            data = self.files.get(asked.path.rpartition("/")[2])
            return reply({}, 404) if data is None else Reply(body=data)
        if not asked.path.startswith(f"/bot{TOKEN}/"):
            return reply({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
        method, body = asked.path.rpartition("/")[2], _body(asked)
        self.calls.append((method, body))
        try:
            trouble = self._trouble(method, body)
            if trouble == "silent":
                raise trio.BrokenResourceError
            if trouble == "hangs":
                await trio.sleep_forever()
            result = await self._call(method, body)
            if trouble == "lost":
                raise trio.BrokenResourceError
            if trouble == "held":
                await trio.sleep_forever()
        except RefusalError as refusal:
            return reply(refusal.said, refusal.status)
        said = reply({"ok": True, "result": result})
        return Reply(body=said.body, headers=said.headers, cut=12 if trouble == "cut" else None)

    def _trouble(self, method: str, body: Mapping[str, Any]) -> str | None:
        if method not in SHOWS or not self.troubles:
            return None
        trouble = self.troubles.pop(0)
        match trouble:
            case "busy":
                raise RefusalError(429, "Too Many Requests: retry after 1", retry_after=1)
            case "broken":
                raise RefusalError(502, "Bad Gateway")
            case "forbidden":
                raise RefusalError(403, "Forbidden: bot was kicked from the supergroup chat")
            case "too large":
                raise RefusalError(413, "Request Entity Too Large")
            case "markup" if "parse_mode" in body:
                raise RefusalError(400, "Bad Request: can't parse entities: Unsupported start tag at byte offset 0")
        return trouble

    async def _call(self, method: str, body: dict[str, Any]) -> object:  # noqa: C901 - it is a table
        match method:
            case "getUpdates":
                return await self._updates(body)
            case "sendMessage":
                self.drafts.pop(int(body["chat_id"]), None)
                return self._show(body, understood(body), {})
            case "sendDocument" | "sendPhoto":
                return self._show(body, "", _file(method, body))
            case "sendMessageDraft":
                if not self.previews:
                    raise RefusalError(404, "Not Found")
                if body["chat_id"] < 0 or not body["draft_id"]:
                    raise RefusalError(400, "Bad Request: TEXTDRAFT_PEER_INVALID")
                self.drafts[body["chat_id"]] = understood(body)
                self.http.moved()
                return True
            case "deleteMessage":
                left = [one for one in self.shown if (one["chat"], one["id"]) != (body["chat_id"], body["message_id"])]
                if len(left) == len(self.shown):
                    raise RefusalError(400, "Bad Request: message to delete not found")
                self.shown[:] = left
                return True
            case "editMessageText":
                return self._edit(body)
            case "setMessageReaction":
                return _react(body)
            case "getFile":
                if body["file_id"] in self.gone:
                    raise RefusalError(400, "Bad Request: file is too big")
                return {"file_id": body["file_id"], "file_path": f"documents/{body['file_id']}"}
            case "getMe" | "getWebhookInfo" | "answerCallbackQuery" | "sendChatAction":
                return {"getMe": BOT, "getWebhookInfo": {"url": self.webhook}}.get(method, True)
            case _:
                raise RefusalError(404, "Not Found")

    async def _updates(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        if self.webhook:
            raise RefusalError(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook")
        self._polls += 1
        mine = self._polls
        self.confirmed = max(self.confirmed, body.get("offset", 0))
        self.wake()
        self.http.moved()
        with trio.move_on_after(body.get("timeout", 0)):
            while mine == self._polls:
                waiting = [one for one in self.updates if self.again or one["update_id"] >= self.confirmed]
                if waiting:
                    self.again = False
                    return waiting[:100]
                await self._news.wait()
        if mine != self._polls:
            raise RefusalError(409, "Conflict: terminated by other getUpdates request")
        return []

    def _show(self, body: Mapping[str, Any], text: str, files: dict[str, bytes]) -> dict[str, Any]:
        chat = int(body["chat_id"])
        if chat in self.moved:
            to = self.moved[chat]
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            raise RefusalError(400, words, migrate_to_chat_id=to)
        keyboard = body.get("reply_markup", {}).get("inline_keyboard", [])
        if any(not 1 <= len(one["callback_data"].encode()) <= MOST_DATA for row in keyboard for one in row):
            raise RefusalError(400, "Bad Request: BUTTON_DATA_INVALID")
        self._number += 1
        thread = body.get("message_thread_id")
        answers = body.get("reply_parameters", {}).get("message_id")
        one = {"id": self._number, "chat": chat, "text": text, "thread": thread and int(thread), "files": files}
        self.shown.append({**one, "keyboard": keyboard, "answers": answers})
        self.http.moved()
        return {"message_id": self._number, "date": 1_700_000_000, "chat": {"id": chat, "type": "supergroup"}}

    def _edit(self, body: Mapping[str, Any]) -> dict[str, Any]:
        text = understood(body)
        for one in self.shown:
            if (one["chat"], one["id"]) == (body["chat_id"], body["message_id"]):
                if (one["text"], one["keyboard"]) == (text, []):
                    raise RefusalError(400, "Bad Request: message is not modified: the same content and reply markup")
                one |= {"text": text, "keyboard": []}
                self.http.moved()
                return {"message_id": one["id"], "date": 0, "chat": {"id": one["chat"], "type": "supergroup"}}
        raise RefusalError(400, "Bad Request: message to edit not found")


def _react(body: Mapping[str, Any]) -> bool:
    if any(one["emoji"] not in REACTIONS for one in body["reaction"]):
        raise RefusalError(400, "Bad Request: REACTION_INVALID")
    return True


def _file(method: str, body: Mapping[str, Any]) -> dict[str, bytes]:
    name, data = body[method.removeprefix("send").lower()]
    if method == "sendPhoto" and not data.startswith((b"\x89PNG", b"\xff\xd8")):
        raise RefusalError(400, "Bad Request: IMAGE_PROCESS_FAILED")
    return {name: data}


def _body(asked: Asked) -> dict[str, Any]:
    kind = asked.headers.get("content-type", "")
    if not kind.startswith("multipart/"):
        return dict(asked.json)
    found: dict[str, Any] = {}
    form = message_from_bytes(f"content-type: {kind}\r\n\r\n".encode() + asked.body)
    for part in form.walk():
        name = part.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            continue
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        if (file := part.get_filename()) is not None:
            found[name] = (file, data)
        else:
            found[name] = json.loads(data) if data[:1] in b"{[-0123456789" else data.decode()
    return found


@asynccontextmanager
async def open_telegram() -> AsyncGenerator[FakeTelegram]:
    """A platform in this loop, until left."""
    fake = FakeTelegram()
    async with open_http(fake.answer) as fake.http:
        yield fake

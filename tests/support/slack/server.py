"""Slack on loopback: a workspace with a channel, people and an app.

As docs.slack.dev has it: reference/methods (auth.test, apps.connections.open, chat.postMessage, chat.update,
chat.delete, chat.postEphemeral, reactions.add, conversations.history, .replies, .info, .open, users.info,
files.getUploadURLExternal, files.completeUploadExternal), reference/events/message and its subtypes,
reference/interaction-payloads/block_actions-payload, apis/web-api/rate-limits.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

from attrs import define, evolve, field

from tests.support.fake_http import Asked, FakeHttp, Reply, open_http, reply
from tests.support.slack.socket import FakeSocket, serving_socket

APP_TOKEN = "xapp-1-A0123456789-1234567890123-abcdef"  # noqa: S105 - it is none
BOT_TOKEN = "xoxb-1234567890-abcdef"  # noqa: S105 - it is none
TEAM = "T0000000001"
BOT_USER = "U0000000009"
BOT = "B0000000009"
GENERAL = "C0000000001"
DIRECT = "D0000000001"


@define(eq=False)
class FakeSlack:
    """All there is."""

    socket: FakeSocket
    http: FakeHttp = field(init=False)
    messages: dict[str, list[dict[str, Any]]] = field(factory=lambda: {GENERAL: [], DIRECT: []})
    names: dict[str, str] = field(factory=dict[str, str])
    bodies: list[dict[str, Any]] = field(factory=list[dict[str, Any]], init=False)
    """What was asked to be posted."""
    reactions: list[tuple[str, str]] = field(factory=list[tuple[str, str]], init=False)
    alone: list[dict[str, Any]] = field(factory=list[dict[str, Any]], init=False)
    files: dict[str, bytes] = field(factory=dict[str, bytes], init=False)
    envelopes: dict[str, str] = field(factory=dict[str, str], init=False)
    """Of messages, by conversation and time."""
    told: list[dict[str, Any]] = field(factory=list[dict[str, Any]], init=False)
    page: int = field(default=3, init=False)
    """Messages that are told at once of a conversation's history: 999 at most, and seldom so many."""
    _clock: int = field(factory=lambda: int(time.time()) - 3_600, init=False)

    def tick(self) -> str:
        """A time that no other message has."""
        self._clock += 1
        return f"{self._clock}.000100"

    async def said(
        self,
        text: str,
        *,
        who: str = "U0000000001",
        name: str = "Ada",
        channel: str = GENERAL,
        thread: str | None = None,
        files: Mapping[str, bytes] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Somebody says something; the app is told if it is connected."""
        self.names[who] = name
        message: dict[str, Any] = {
            "type": "message",
            "user": who,
            "team": TEAM,
            "text": text,
            "ts": self.tick(),
            "client_msg_id": "b1a2",
            "blocks": [],
            **({"thread_ts": thread} if thread else {}),
            **({"subtype": "file_share", "files": self._files(files)} if files else {}),
            **more,
        }
        self.messages[channel].append(message)
        await self.tell({**message, **self.where(channel), "event_ts": message["ts"]})
        return {**message, "channel": channel}

    def where(self, channel: str) -> dict[str, str]:
        """What events say of a conversation."""
        return {"channel": channel, "channel_type": "im" if channel.startswith("D") else "channel"}

    async def tell(self, event: Mapping[str, Any]) -> None:
        """The app is told of *event*, if it is connected."""
        payload = {"token": "x", "team_id": TEAM, "api_app_id": "A1", "type": "event_callback", "event": dict(event)}
        name = await self.socket.tell("events_api", payload)
        if name is not None:
            self.told.append(dict(event))
            if event["type"] == "message" and "subtype" not in event:
                self.envelopes[f"{event['channel']}:{event['ts']}"] = name

    async def press(self, message: Mapping[str, Any], label: str, who: str = "U0000000001", name: str = "Ada") -> str:
        """Somebody presses the button of that label; the envelope's id."""
        self.names[who] = name
        elements = [one for block in message["blocks"] if block["type"] == "actions" for one in block["elements"]]
        button = next(one for one in elements if one["text"]["text"] == label)
        payload = {
            "type": "block_actions",
            "user": {"id": who, "username": name, "team_id": TEAM},
            "team": {"id": TEAM, "domain": "home"},
            "channel": {"id": message["channel"], "name": "general"},
            "message": dict(message),
            "actions": [{**button, "block_id": "b", "action_ts": self.tick()}],
            "response_url": "https://hooks.slack.com/actions/x",
            "trigger_id": "1.2.3",
        }
        return str(await self.socket.tell("interactive", payload))

    def ours(self, channel: str = GENERAL) -> list[dict[str, Any]]:
        """The app's messages in a conversation, oldest first."""
        return [one for one in self.messages[channel] if one["user"] == BOT_USER]

    def find(self, channel: str, ts: str) -> dict[str, Any]:
        """A message."""
        return next(one for one in self.messages[channel] if one["ts"] == ts)

    async def answer(self, asked: Asked) -> Reply:
        """One request."""
        if asked.path.startswith("/upload/"):
            self.files[asked.path] = asked.body
            return Reply(body=b"OK - 1")
        token = asked.headers.get("authorization", "")
        if asked.path.startswith("/files/"):
            known = token == f"Bearer {BOT_TOKEN}"
            return Reply(body=self.files[asked.path]) if known else Reply(status=302, headers={"location": "/"})
        method = asked.path.removeprefix("/api/")
        if token != f"Bearer {APP_TOKEN if method == 'apps.connections.open' else BOT_TOKEN}":
            return _no("invalid_auth")
        said = dict(asked.query) if asked.method == "GET" else asked.json
        if said.get("channel", GENERAL) not in self.messages:
            return _no("channel_not_found")
        return await self._answer(method, said)

    async def _answer(self, method: str, said: dict[str, Any]) -> Reply:  # noqa: C901 - it is a table
        match method:
            case "auth.test":
                me = _yes(user_id=BOT_USER, team_id=TEAM, user="nano", team="home", bot_id=BOT)
                return evolve(me, headers={**me.headers, "date": formatdate(self._clock, usegmt=True)})
            case "apps.connections.open":
                return _yes(url=self.socket.url)
            case "users.info":
                name = self.names.get(said["user"])
                user = {"id": said["user"], "name": "handle", "profile": {"display_name": name, "real_name": ""}}
                return _no("user_not_found") if name is None else _yes(user=user)
            case "conversations.info":
                return _yes(channel={"id": said["channel"], "name": "general"})
            case "users.conversations":
                every, start = sorted(self.messages), int(said.get("cursor") or 0)
                more = str(start + self.page) if start + self.page < len(every) else ""
                shown = [{"id": one, "is_im": one.startswith("D")} for one in every[start : start + self.page]]
                return _yes(channels=shown, response_metadata={"next_cursor": more})
            case "conversations.open":
                return _yes(channel={"id": DIRECT})
            case "conversations.history" | "conversations.replies":
                return self._history(method, said)
            case "chat.postMessage":
                return await self._post(said)
            case "chat.update":
                return self._update(said)
            case "chat.delete":
                if said["ts"] not in [one["ts"] for one in self.ours(said["channel"])]:
                    return _no("message_not_found")
                gone = self.find(said["channel"], said["ts"])
                self.messages[said["channel"]].remove(gone)
                return _yes(ts=said["ts"])
            case "chat.postEphemeral":
                self.alone.append(said)
                return _yes(message_ts=self.tick())
            case "reactions.add":
                again = (said["timestamp"], said["name"]) in self.reactions
                self.reactions.append((said["timestamp"], said["name"]))
                return _no("already_reacted") if again else _yes()
            case "files.getUploadURLExternal":
                file = f"F{len(self.files)}"
                path = f"/upload/{file}/{said['filename']}"
                return _yes(upload_url=f"{self.http.url}/upload/{file}/{len(path)}?name={file}", file_id=file)
            case "files.completeUploadExternal":
                return self._show_files(said)
            case _:
                return _no("unknown_method")

    async def _post(self, said: dict[str, Any]) -> Reply:
        self.bodies.append(said)
        message = {key: value for key, value in said.items() if key in ("text", "thread_ts", "blocks", "metadata")}
        message |= {"type": "message", "user": BOT_USER, "bot_id": BOT, "team": TEAM, "ts": self.tick()}
        message |= {"asked": said}
        self.messages[said["channel"]].append(message)
        await self.tell({**message, **self.where(said["channel"]), "subtype": "bot_message"})
        return _yes(channel=said["channel"], ts=message["ts"], message=message)

    def _update(self, said: dict[str, Any]) -> Reply:
        found = [one for one in self.ours(said["channel"]) if one["ts"] == said["ts"]]
        if not found:
            return _no("message_not_found")
        found[0].update({name: said[name] for name in ("text", "blocks") if name in said})
        return _yes(ts=said["ts"])

    def _history(self, method: str, said: dict[str, Any]) -> Reply:
        thread = said.get("ts")
        found = [
            one
            for one in self.messages[said["channel"]]
            if float(one["ts"]) > float(said["oldest"])
            and (
                one.get("thread_ts") in (None, one["ts"])
                if thread is None
                else thread in (one.get("thread_ts"), one["ts"])
            )
        ]
        start, limit = int(said.get("cursor") or 0), min(int(said["limit"]), self.page)
        found = found[::-1] if method == "conversations.history" else found
        more = str(start + limit) if start + limit < len(found) else ""
        shown = [{key: value for key, value in one.items() if key != "asked"} for one in found]
        for one in shown if thread is None else ():
            answers = [other for other in self.messages[said["channel"]] if other.get("thread_ts") == one["ts"]]
            if answers:
                one.update(reply_count=len(answers), thread_ts=one["ts"])
        return _yes(messages=shown[start : start + limit], response_metadata={"next_cursor": more})

    def _show_files(self, said: dict[str, Any]) -> Reply:
        shown = []
        for one in said["files"]:
            (path,) = [path for path in self.files if path.startswith(f"/upload/{one['id']}/")]
            shown.append({"id": one["id"], "name": one["title"], "size": len(self.files[path]), "url_private": path})
        message = {"type": "message", "user": BOT_USER, "team": TEAM, "ts": self.tick(), "text": "", "files": shown}
        message |= {"asked": {}, "subtype": "file_share"} | (
            {"thread_ts": said["thread_ts"]} if "thread_ts" in said else {}
        )
        self.messages[said["channel_id"]].append(message)
        return _yes(files=said["files"])

    def _files(self, files: Mapping[str, bytes]) -> list[dict[str, Any]]:
        made = []
        for name, data in files.items():
            path = f"/files/{self.tick()}/{len(self.files)}"
            self.files[path] = data
            made.append(
                {
                    "id": f"F{len(self.files)}",
                    "name": name,
                    "mimetype": "text/plain",
                    "size": len(data),
                    "url_private": f"{self.http.url}{path}",
                    "url_private_download": f"{self.http.url}{path}",
                }
            )
        return made


@asynccontextmanager
async def open_slack() -> AsyncGenerator[FakeSlack]:
    """A Slack in this loop, until left."""
    slack = FakeSlack(FakeSocket())
    async with serving_socket(slack.socket), open_http(slack.answer) as http:
        slack.http = http
        yield slack


def settings_for(slack: FakeSlack) -> dict[str, str]:
    """What a channel is told that is to speak with it."""
    return {"app_token": APP_TOKEN, "bot_token": BOT_TOKEN, "url": f"{slack.http.url}/api"}


def _yes(**more: Any) -> Reply:
    return reply({"ok": True, **more})


def _no(error: str) -> Reply:
    return reply({"ok": False, "error": error})

"""Discord on loopback: a server with a channel, people, a bot, REST over HTTP and the gateway over a websocket.

As discord.com/developers/docs has it: resources/message (create with `nonce` and `enforce_nonce`, `allowed_mentions`,
`attachments` as a form), resources/channel (threads that begin with a message have its id), resources/user,
interactions/receiving-and-responding, topics/rate-limits, topics/opcodes-and-status-codes (JSON error codes).
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from attrs import define, field

from tests.support.discord.gateway import FakeGateway, serving_gateway
from tests.support.fake_http import Asked, FakeHttp, Reply, open_http, reply

TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"  # noqa: S105 - the documentation's example
BOT = "1000000000000000001"
BOT_ROLE = "1000000000000000002"
GUILD = "1000000000000000003"
GENERAL = "1000000000000000010"
DIRECT = "1000000000000000020"
FIRST_MESSAGE = 1300000000000000000
EDITED = "2026-11-26T12:00:00.000000+00:00"


@define(eq=False)
class FakeDiscord:
    """All there is."""

    gateway: FakeGateway
    http: FakeHttp = field(init=False)
    channels: dict[str, dict[str, Any]] = field(factory=dict[str, dict[str, Any]])
    messages: dict[str, list[dict[str, Any]]] = field(factory=dict[str, list[dict[str, Any]]])
    bodies: list[dict[str, Any]] = field(factory=list[dict[str, Any]], init=False)
    """What was asked to be posted."""
    reactions: list[tuple[str, str]] = field(factory=list[tuple[str, str]], init=False)
    pressed: dict[str, dict[str, Any]] = field(factory=dict[str, dict[str, Any]], init=False)
    """The answers to presses, by interaction."""
    typing: list[str] = field(factory=list[str], init=False)
    joined: list[str] = field(factory=list[str], init=False)
    """The threads that we asked to be members of."""
    files: dict[str, bytes] = field(factory=dict[str, bytes], init=False)
    threads_allowed: bool = True
    starts: int = 1000
    _nonces: dict[str, dict[str, Any]] = field(factory=dict[str, dict[str, Any]], init=False)
    _ids: int = field(default=FIRST_MESSAGE, init=False)

    def mint(self) -> str:
        """A snowflake: later ones are greater."""
        self._ids += 1 << 22
        return str(self._ids)

    def forget_nonces(self) -> None:
        """Some minutes have passed."""
        self._nonces.clear()

    async def said(
        self,
        text: str,
        *,
        who: str = "200",
        name: str = "Ada",
        channel: str = GENERAL,
        tell: bool = True,
        files: Mapping[str, bytes] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Somebody says something; *tell*: the gateway tells of it."""
        message = self._message(channel, {"id": who, "username": name, "global_name": name}, text, files or {}, more)
        if tell:
            await self.gateway.dispatch("MESSAGE_CREATE", message)
        return message

    async def begin_thread(self, thread: str, channel: str = GENERAL) -> None:
        """Somebody begins a thread with a message."""
        self.channels[thread] = {"id": thread, "type": 11, "parent_id": channel, "guild_id": GUILD, "name": "thread"}
        self.gateway.welcome[0][1]["threads"].append(self.channels[thread])
        await self.gateway.dispatch("THREAD_CREATE", self.channels[thread])

    async def press(self, message: Mapping[str, Any], label: str, who: str = "200", name: str = "Ada") -> str:
        """Somebody presses the button of that label; the interaction's id."""
        buttons = [button for row in message["components"] for button in row["components"]]
        button = next(one for one in buttons if one["label"] == label)
        interaction = self.mint()
        user = {"id": who, "username": name}
        where = {"guild_id": GUILD, "member": {"user": user}} if message["channel_id"] != DIRECT else {"user": user}
        await self.gateway.dispatch(
            "INTERACTION_CREATE",
            {
                "id": interaction,
                "application_id": BOT,
                "type": 3,
                "token": f"token-{interaction}",
                "data": {"component_type": 2, "custom_id": button["custom_id"]},
                "channel_id": message["channel_id"],
                "message": dict(message),
                **where,
            },
        )
        return interaction

    def ours(self, channel: str = GENERAL) -> list[dict[str, Any]]:
        """The bot's messages in a channel, oldest first."""
        return [one for one in self.messages.get(channel, []) if one["author"]["id"] == BOT]

    def find(self, message: str) -> dict[str, Any]:
        """A message, wherever it is."""
        return next(one for all_of in self.messages.values() for one in all_of if one["id"] == message)

    async def answer(self, asked: Asked) -> Reply:
        """One request."""
        if asked.path.startswith("/files/"):
            return Reply(body=self.files[asked.path])
        if asked.headers.get("authorization") != f"Bot {TOKEN}" and not asked.path.endswith("/callback"):
            return reply({"message": "401: Unauthorized", "code": 0}, 401)
        if not asked.headers.get("user-agent", "").startswith("DiscordBot ("):
            return reply({"message": "cloudflare: forbidden"}, 403)
        said = await self._answer(asked, asked.path.removeprefix("/api/v10").split("/")[1:])
        limits = {"x-ratelimit-limit": "5", "x-ratelimit-remaining": "4", "x-ratelimit-reset-after": "1.000"}
        return Reply(status=said.status, body=said.body, headers={**limits, **said.headers})

    async def _answer(self, asked: Asked, path: Sequence[str]) -> Reply:  # noqa: C901 - it is a table
        match asked.method, path:
            case "GET", ["users", "@me"]:
                return reply({"id": BOT, "username": "nano", "bot": True})
            case "GET", ["gateway", "bot"]:
                limit = {"total": 1000, "remaining": self.starts, "reset_after": 14_400_000, "max_concurrency": 1}
                return reply({"url": self.gateway.url, "shards": 1, "session_start_limit": limit})
            case "POST", ["users", "@me", "channels"]:
                recipient = asked.json["recipient_id"]
                return reply({"id": DIRECT, "type": 1, "recipients": [{"id": recipient, "username": "ada"}]})
            case "POST", ["interactions", interaction, _, "callback"]:
                self.pressed[interaction] = asked.json
                return Reply(status=204)
            case _, ["channels", channel, *_] if channel not in self.channels:
                return reply({"message": "Unknown Channel", "code": 10003}, 404)
            case "GET", ["channels", channel]:
                return reply(self.channels[channel])
            case "POST", ["channels", channel, "typing"]:
                self.typing.append(channel)
                return Reply(status=204)
            case "PUT", ["channels", channel, "thread-members", "@me"]:
                self.joined.append(channel)
                return Reply(status=204)
            case "GET", ["channels", channel, "messages"]:
                after = int(asked.query["after"])
                found = [one for one in self.messages.get(channel, []) if int(one["id"]) > after]
                shown = [{key: value for key, value in one.items() if key != "nonce"} for one in found]
                return reply(shown[: int(asked.query["limit"])][::-1])
            case "POST", ["channels", channel, "messages"]:
                return await self._create(channel, asked)
            case "POST", ["channels", channel, "messages", message, "threads"]:
                return await self._thread(channel, message)
            case _, ["channels", channel, "messages", message, *_] if message not in self._ids_in(channel):
                return reply({"message": "Unknown Message", "code": 10008}, 404)
            case "PUT", ["channels", _, "messages", message, "reactions", emoji, "@me"]:
                self.reactions.append((message, emoji))
                return Reply(status=204)
            case "PATCH", ["channels", _, "messages", message]:
                found_message = self.find(message)
                found_message |= {**asked.json, "edited_timestamp": EDITED}
                await self.gateway.dispatch("MESSAGE_UPDATE", found_message)
                return reply(found_message)
            case "DELETE", ["channels", channel, "messages", message]:
                self.messages[channel] = [one for one in self.messages[channel] if one["id"] != message]
                await self.gateway.dispatch("MESSAGE_DELETE", {"id": message, "channel_id": channel})
                return Reply(status=204)
            case _:
                return reply({"message": "404: Not Found", "code": 0}, 404)

    async def _create(self, channel: str, asked: Asked) -> Reply:
        body, files = _form(asked)
        self.bodies.append(body)
        if len(body.get("content", "")) > 2000:
            return reply({"message": "Invalid Form Body", "code": 50035}, 400)
        if len(str(body.get("nonce", ""))) > 25:
            return reply({"message": "Invalid Form Body", "code": 50035, "errors": {"nonce": {}}}, 400)
        if body.get("enforce_nonce") and body["nonce"] in self._nonces:
            return reply(self._nonces[body["nonce"]])
        author = {"id": BOT, "username": "nano", "bot": True}
        more = {key: value for key, value in body.items() if key not in ("content", "attachments", "flags")}
        message = self._message(channel, author, body.get("content", ""), files, more)
        if "nonce" in body:
            self._nonces[body["nonce"]] = message
        await self.gateway.dispatch("MESSAGE_CREATE", message)
        return reply(message)

    async def _thread(self, channel: str, message: str) -> Reply:
        if not self.threads_allowed:
            return reply({"message": "Missing Permissions", "code": 50013}, 403)
        if message not in self._ids_in(channel):
            return reply({"message": "Unknown Message", "code": 10008}, 404)
        if message in self.channels:
            return reply({"message": "A thread has already been created for this message", "code": 160004}, 400)
        await self.begin_thread(message, channel)
        return reply(self.channels[message], 201)

    def _ids_in(self, channel: str) -> set[str]:
        return {one["id"] for one in self.messages.get(channel, [])}

    def _message(
        self,
        channel: str,
        author: Mapping[str, Any],
        text: str,
        files: Mapping[str, bytes],
        more: Mapping[str, Any],
    ) -> dict[str, Any]:
        message: dict[str, Any] = {
            "id": self.mint(),
            "channel_id": channel,
            "author": dict(author),
            "content": text,
            "timestamp": "2026-11-26T11:00:00.000000+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": [],
            "pinned": False,
            "type": 0,
            **({} if channel == DIRECT else {"guild_id": GUILD, "member": {"roles": [], "nick": None}}),
            **more,
        }
        for name, data in files.items():
            path = f"/files/{message['id']}/{len(message['attachments'])}"
            self.files[path] = data
            message["attachments"].append(
                {"id": self.mint(), "filename": name, "size": len(data), "url": f"{self.http.url}{path}"}
            )
        self.messages.setdefault(channel, []).append(message)
        if channel in self.channels:
            self.channels[channel]["last_message_id"] = message["id"]
        return message


@asynccontextmanager
async def open_discord() -> AsyncGenerator[FakeDiscord]:
    """A Discord in this loop, until left."""
    general = {"id": GENERAL, "type": 0, "name": "general"}
    role = {"id": BOT_ROLE, "name": "nano", "tags": {"bot_id": BOT}}
    guild = {"id": GUILD, "name": "home", "channels": [general], "threads": [], "roles": [role]}
    gateway = FakeGateway(
        TOKEN,
        {"user": {"id": BOT, "username": "nano", "bot": True}, "guilds": [{"id": GUILD, "unavailable": True}]},
        [("GUILD_CREATE", guild)],
    )
    discord = FakeDiscord(gateway, channels={GENERAL: general, DIRECT: {"id": DIRECT, "type": 1}})
    async with serving_gateway(gateway), open_http(discord.answer) as http:
        discord.http = http
        yield discord


def settings_for(discord: FakeDiscord) -> dict[str, str]:
    """What a channel is told that is to speak with it."""
    return {"token": TOKEN, "url": f"{discord.http.url}/api/v10"}


def _form(asked: Asked) -> tuple[dict[str, Any], dict[str, bytes]]:
    kind = asked.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return asked.json, {}
    told, *files = (
        BytesParser(policy=HTTP).parsebytes(f"content-type: {kind}\r\n\r\n".encode() + asked.body).iter_parts()
    )
    body = json.loads(told.get_content())
    names = [one["filename"] for one in body["attachments"]]
    return body, dict(zip(names, [part.get_payload(decode=True) for part in files], strict=True))

"""Discord's REST API: one method a call, with its rate limits (discord.com/developers/docs/topics/rate-limits)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Unpack
from urllib.parse import quote

from attrs import define, frozen

from nanoclaw.channels.base import OutgoingFile
from nanoclaw.channels.discord.objects import Channel, Message, User
from nanoclaw.channels.http import EVERYTHING, Answer, Asking, Platform, open_platform
from nanoclaw.channels.http_bodies import Part, form_body
from nanoclaw.channels.reading import T, UnfitError, read, whole
from nanoclaw.core.retry_after import retry_after
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import ChannelName

URL = "https://discord.com/api/v10"
GATEWAY = "?v=10&encoding=json"
MOST_AT_ONCE = 100
"""Messages of one look back."""
ANSWER_SECONDS, SLOWEST = 25.0, 256 << 10
IN_A_MINUTE = 60.0


@frozen(kw_only=True)
class Starts:
    """How often a session may still be begun."""

    remaining: int
    reset_after: int
    """Milliseconds."""


@frozen(kw_only=True)
class GatewayBot:
    """Where the gateway is."""

    url: str
    session_start_limit: Starts


@define(eq=False)
class RefusedError(Exception):
    """Discord said no, and which of its codes it is; `failure` is what that means for a message."""

    code: int
    """Of discord.com/developers/docs/topics/opcodes-and-status-codes, 0 if there is none."""
    failure: DeliveryError


@define(eq=False)
class Api:
    """Calls as one bot. Each raises `DeliveryError`; the ones that say so, `RefusedError` where the answer is no."""

    platform: Platform

    async def me(self) -> User:
        """Who we are."""
        return self._read(User, await self._call("GET", "/users/@me"))

    async def gateway(self) -> str:
        """The address of the gateway, if a session may be begun now."""
        found = self._read(GatewayBot, await self._call("GET", "/gateway/bot"))
        if found.session_start_limit.remaining < 1:
            wait = found.session_start_limit.reset_after / 1000
            raise self.platform.error("no session may be begun today", retryable=True, retry_after=wait)
        return found.url

    async def channel(self, channel: str) -> Channel:
        """What a channel is. Raises `RefusedError`."""
        answer = await self._call("GET", f"/channels/{_id(channel)}", route=f"GET channel {channel}", judged=True)
        return self._read(Channel, answer)

    async def after(self, channel: str, last: str) -> list[Message]:
        """The oldest messages after the one of that id, oldest first. Raises `RefusedError`."""
        params = {"after": last, "limit": str(MOST_AT_ONCE)}
        found = self._read(
            list[Any],
            await self._call(
                "GET", f"/channels/{_id(channel)}/messages", route=f"GET messages {channel}", judged=True, params=params
            ),
        )
        return sorted((self._read_one(one) for one in found), key=lambda one: int(one.id))

    async def create_message(
        self, channel: str, body: Mapping[str, Any], files: Sequence[OutgoingFile] = ()
    ) -> Message:
        """Post a message. Raises `RefusedError`."""
        path, route = f"/channels/{_id(channel)}/messages", f"POST messages {channel}"
        if not files:
            return self._read(Message, await self._call("POST", path, route=route, judged=True, body=body))
        parts = [
            Part(field=f"files[{number}]", name=file.name, path=file.path, size=file.size)
            for number, file in enumerate(files)
        ]
        form, headers = form_body({"payload_json": json.dumps(body)}, parts)
        seconds = ANSWER_SECONDS + form.size / SLOWEST
        with form:
            answer = await self._call(
                "POST", path, route=route, judged=True, content=form, headers=headers, seconds=seconds
            )
        return self._read(Message, answer)

    async def edit_message(self, channel: str, message: str, body: Mapping[str, Any]) -> None:
        """Change a message of ours. Raises `RefusedError`."""
        path = f"/channels/{_id(channel)}/messages/{_id(message)}"
        await self._call("PATCH", path, route=f"PATCH messages {channel}", judged=True, body=body)

    async def create_draft(self, channel: str, body: Mapping[str, Any]) -> Message:
        """Post what will be taken away; if it has to wait, nothing else does. Raises `RefusedError`."""
        path, route = f"/channels/{_id(channel)}/messages", f"drafts {channel}"
        return self._read(Message, await self._call("POST", path, route=route, judged=True, body=body))

    async def edit_draft(self, channel: str, message: str, body: Mapping[str, Any]) -> None:
        """Change such; if it has to wait, nothing else does. Raises `RefusedError`."""
        path = f"/channels/{_id(channel)}/messages/{_id(message)}"
        await self._call("PATCH", path, route=f"drafts {channel}", judged=True, body=body)

    async def delete_message(self, channel: str, message: str) -> None:
        """Take a message of ours away. Raises `RefusedError`."""
        path = f"/channels/{_id(channel)}/messages/{_id(message)}"
        await self._call("DELETE", path, route=f"DELETE messages {channel}", judged=True)

    async def react(self, channel: str, message: str, emoji: str) -> None:
        """React to a message. Raises `RefusedError`."""
        path = f"/channels/{_id(channel)}/messages/{_id(message)}/reactions/{quote(emoji, safe='')}/@me"
        await self._call("PUT", path, route=f"PUT reactions {channel}", judged=True)

    async def begin_thread(self, channel: str, message: str, body: Mapping[str, Any]) -> Channel:
        """Begin a thread with a message. Raises `RefusedError`."""
        path = f"/channels/{_id(channel)}/messages/{_id(message)}/threads"
        return self._read(Channel, await self._call("POST", path, route=f"threads {channel}", judged=True, body=body))

    async def join_thread(self, thread: str) -> None:
        """Become a member of a thread, if we are none. Raises `RefusedError`."""
        await self._call("PUT", f"/channels/{_id(thread)}/thread-members/@me", route=f"join {thread}", judged=True)

    async def open_direct_messages(self, user: str) -> Channel:
        """The conversation with somebody."""
        return self._read(Channel, await self._call("POST", "/users/@me/channels", body={"recipient_id": _id(user)}))

    async def show_typing(self, channel: str) -> None:
        """Show that we write, for ten seconds."""
        await self._call("POST", f"/channels/{_id(channel)}/typing", route=f"typing {channel}")

    async def answer_press(self, interaction: str, token: str, body: Mapping[str, Any]) -> None:
        """Say that a press was heard, which has to be said within three seconds of it."""
        path = f"/interactions/{_id(interaction)}/{quote(token, safe='')}/callback"
        await self._call("POST", path, route="callback", body=body, seconds=3.0)

    async def _call(
        self, method: str, path: str, *, route: str = "", judged: bool = False, **asking: Unpack[Asking]
    ) -> Answer:
        route = route or f"{method} {path}"
        answer = await self.platform.ask(method, path, route=route, **asking)
        body = answer.json
        if answer.headers.get("x-ratelimit-remaining") == "0" or answer.status == 429:
            everywhere = "x-ratelimit-global" in answer.headers or (isinstance(body, Mapping) and body.get("global"))
            wait = retry_after(answer.headers, body, now=self.platform.clock.now())
            self.platform.hold(EVERYTHING if everywhere else route, wait or 0.0)
        failure = self.platform.refusal(answer)
        if failure is None:
            return answer
        code = body.get("code") if isinstance(body, Mapping) else 0
        if judged and not failure.retryable:
            raise RefusedError(code if isinstance(code, int) else 0, failure)
        raise failure

    def _read(self, cls: type[T], answer: Answer) -> T:
        try:
            return read(cls, whole(answer.json, answer.body.decode("ascii", "replace")))
        except UnfitError as exc:
            # It was taken, whatever it says: what is sent again has its nonce.
            raise self.platform.error(f"its answer makes no sense: {exc}", retryable=True, reached=True) from None

    def _read_one(self, value: object) -> Message:
        try:
            return read(Message, value)
        except UnfitError as exc:
            raise self.platform.error(f"a message of it makes no sense: {exc}", retryable=True) from None


def open_api(channel: ChannelName, url: str, token: str) -> AbstractAsyncContextManager[Platform]:
    """The way to Discord as the bot of that token."""
    # Discord wants a name of this form, and turns others away.
    headers = {"authorization": f"Bot {token}", "user-agent": "DiscordBot (https://pypi.org/project/nanoclaw, 0.1)"}
    return open_platform(channel, url, headers=headers, secrets=(token,))


def _id(text: str) -> str:
    """An id in a path: of digits, whoever says it."""
    return quote(text, safe="")

"""Slack's Web API: one method a call (docs.slack.dev/reference/methods, docs.slack.dev/apis/web-api/rate-limits)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from attrs import define, field

from nanoclaw.channels.base import OutgoingFile
from nanoclaw.channels.http import ANSWER_SECONDS, SLOWEST, Answer, Platform
from nanoclaw.channels.http_bodies import file_body
from nanoclaw.channels.reading import T, UnfitError, read, whole
from nanoclaw.channels.remembering import patiently
from nanoclaw.channels.slack.objects import Conversation, Conversations, Me, Message, Page, Upload, User
from nanoclaw.core.notices import plain
from nanoclaw.core.retry_after import date_in
from nanoclaw.errors import DeliveryError

URL = "https://slack.com/api"
FILES = "https://files.slack.com"
PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
"""What may be otherwise in a while. Whether it was done all the same, Slack does not say."""
AT_ONCE = 200
"""Messages of one page."""
FILE_SECONDS = 60.0


class RefusedError(DeliveryError):
    """Slack said no, for a reason of its own; `why` ends with its word for that."""

    word: str = ""


@define(eq=False)
class Api:
    """Calls as one app. Each raises `DeliveryError`, of which a `RefusedError` is the answer no."""

    platform: Platform
    app: str
    """What opens the socket."""
    bot: str
    """What everything else is done with."""
    time: datetime | None = field(default=None, init=False)
    """What Slack's clock said last."""

    async def me(self) -> Me:
        """Who we are."""
        return self._read(Me, await self._post("auth.test", {}))

    async def open_socket(self) -> str:
        """The address of a socket, good for one connection."""
        found = await self._post("apps.connections.open", {}, token=self.app)
        url = found.get("url")
        if not isinstance(url, str):
            raise self.platform.error("it gives no address of a socket", retryable=True)
        return url

    async def post_message(self, body: Mapping[str, Any], *, route: str = "") -> str:
        """Post; the time that names the message."""
        found = await self._post("chat.postMessage", body, route=route or f"chat.postMessage {body['channel']}")
        ts = found.get("ts")
        if not isinstance(ts, str):
            raise self.platform.error("it does not say what it posted", retryable=True, reached=True)
        return ts

    async def update_message(self, body: Mapping[str, Any], *, route: str = "") -> None:
        """Change a message of ours."""
        await self._post("chat.update", body, route=route)

    async def delete_message(self, channel: str, ts: str) -> None:
        """Take a message of ours away."""
        await self._post("chat.delete", {"channel": channel, "ts": ts})

    async def tell_alone(self, channel: str, user: str, text: str) -> None:
        """Say something in a conversation that nobody but *user* sees."""
        await self._post("chat.postEphemeral", {"channel": channel, "user": user, "text": text, "mrkdwn": False})

    async def react(self, channel: str, ts: str, name: str) -> None:
        """React to a message; again is no second time."""
        try:
            await self._post("reactions.add", {"channel": channel, "timestamp": ts, "name": name})
        except RefusedError as exc:
            if exc.word != "already_reacted":
                raise

    async def user(self, user: str) -> User:
        """Who somebody is."""
        return self._read(User, (await self._get("users.info", {"user": user})).get("user"))

    async def conversation(self, channel: str) -> Conversation:
        """What a conversation is."""
        return self._read(Conversation, (await self._get("conversations.info", {"channel": channel})).get("channel"))

    async def conversations(self, *, most: int) -> list[Conversation]:
        """Those that we are in, at most so many pages of them."""
        kinds = "im,mpim,public_channel,private_channel"
        asked = {"types": kinds, "exclude_archived": "true", "limit": str(AT_ONCE)}
        found: list[Conversation] = []
        cursor = ""
        for _ in range(most):
            more = {"cursor": cursor} if cursor else {}
            page = self._read(Conversations, await self._get("users.conversations", asked | more))
            found += page.channels
            cursor = "" if page.response_metadata is None else page.response_metadata.next_cursor
            if not cursor:
                break
        return found

    async def open_direct_messages(self, user: str) -> str:
        """The conversation with somebody."""
        found = await self._post("conversations.open", {"users": user})
        return self._read(Conversation, found.get("channel")).id

    async def after(
        self, channel: str, thread: str | None, oldest: str, *, most: int, patient: bool = False
    ) -> list[Message]:
        """At most so many pages of what was said after *oldest* in a conversation or a thread of it, oldest first.

        Whoever is *patient* and has the first page waits for the others if need be: one page alone is no use to them.
        """
        method = "conversations.history" if thread is None else "conversations.replies"
        asked = {"channel": channel, "oldest": oldest, "limit": str(AT_ONCE), "include_all_metadata": "true"}
        found: list[Message] = []
        cursor = ""
        for _ in range(most):
            more = ({} if thread is None else {"ts": thread}) | ({"cursor": cursor} if cursor else {})
            ask = partial(self._get, method, asked | more)
            page = self._read(Page, await (patiently(ask) if cursor and patient else ask()))
            found += page.messages
            cursor = "" if page.response_metadata is None else page.response_metadata.next_cursor
            if not cursor:
                break
        return sorted((one for one in found if one.ts > oldest), key=lambda one: one.ts)

    async def share(self, channel: str, thread: str | None, files: Sequence[OutgoingFile]) -> tuple[str, ...]:
        """Upload files and show them together, which is what people see; their ids."""
        shown = []
        for file in files:
            asked = {"filename": file.name, "length": str(file.size)}
            put = self._read(Upload, await self._get("files.getUploadURLExternal", asked))
            with file_body(file.path, file.size) as body:
                headers = {**body.headers, "content-type": "application/octet-stream"}
                seconds = ANSWER_SECONDS + file.size / SLOWEST
                await self.platform.request(
                    "POST", put.upload_url, route="upload", content=body, headers=headers, seconds=seconds
                )
            shown.append({"id": put.file_id, "title": file.name})
        place = {"channel_id": channel} | ({} if thread is None else {"thread_ts": thread})
        await self._post("files.completeUploadExternal", {"files": shown, **place}, seconds=FILE_SECONDS)
        return tuple(one["id"] for one in shown)

    async def _post(
        self,
        method: str,
        body: Mapping[str, Any],
        *,
        route: str = "",
        token: str = "",
        seconds: float = ANSWER_SECONDS,
    ) -> Mapping[str, Any]:
        headers = {"authorization": f"Bearer {token or self.bot}"}
        answer = await self.platform.request(
            "POST", f"/{method}", route=route or method, body=body, headers=headers, seconds=seconds
        )
        return self._judge(method, route or method, answer)

    async def _get(self, method: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        headers = {"authorization": f"Bearer {self.bot}"}
        answer = await self.platform.request("GET", f"/{method}", route=method, params=params, headers=headers)
        return self._judge(method, method, answer)

    def _judge(self, method: str, route: str, answer: Answer) -> Mapping[str, Any]:
        """What an answer says that is a success as far as HTTP goes."""
        self.time = date_in(answer.headers.get("date"))
        said, text = answer.json, answer.body
        if not isinstance(said, Mapping):
            raise self.platform.error(f"{method}: its answer makes no sense", retryable=True, reached=True)
        if said.get("ok") is True:
            found: Mapping[str, Any] = whole(said, text.decode("utf-8", "replace"))
            return found
        word = said.get("error")
        why = plain(self.platform.strike(word if isinstance(word, str) else "no"))
        if why == "ratelimited":
            self.platform.hold(route, 1.0)
            raise self.platform.error(f"{method}: {why}", retryable=True, retry_after=1.0)
        if why in PASSING:
            raise self.platform.error(f"{method}: {why}", retryable=True, reached=True)
        refused = RefusedError(channel=self.platform.channel, why=f"{method}: {why}", retryable=False)
        refused.word = why
        raise refused

    def _read(self, cls: type[T], value: object) -> T:
        try:
            return read(cls, value)
        except UnfitError as exc:
            why = f"its answer makes no sense: {exc}"
            raise self.platform.error(why, retryable=True, reached=True) from None

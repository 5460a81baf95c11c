"""What we ask of a Matrix homeserver: one method a call.

https://spec.matrix.org/v1.15/client-server-api/. Paths are said at each method. All of them raise `DeliveryError`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from attrs import define, frozen

from nanoclaw.channels.http import Answer, Platform, open_platform
from nanoclaw.channels.http_bodies import file_body
from nanoclaw.channels.matrix.wire import Content, Page, Sync, UnfitError, clean, read
from nanoclaw.channels.registry import Means

T = TypeVar("T")

CLIENT = "/_matrix/client/v3"
MEDIA = "/_matrix/client/v1/media"
TIMELINE = 20
"""Events of a room in one answer of `/sync`. What is more is asked for in pages."""
PAGE = 100
MOST_SYNC = 64 << 20
MOST_MEMBERS = 32 << 20
ANSWER_SECONDS = 15.0
"""Beyond the time that the server was told to wait for news."""
JOIN_SECONDS = 60.0
"""A room of many servers takes that long."""
HEARD = (
    "m.room.message", "m.sticker", "m.room.redaction", "m.room.encrypted", "m.room.member", "m.room.name",
    "m.room.encryption",
)  # fmt: skip
_NONE: Mapping[str, object] = {"types": []}
MISSING = 404
NOT_OURS = frozenset({403, MISSING})
"""Of a room that we are not in, or not any more."""
TOKENS = frozenset({"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"})


def words(body: object) -> str:
    """A homeserver's own words for what went wrong, with its code."""
    if not isinstance(body, Mapping):
        return ""
    code, said = clean(body.get("errcode")), clean(body.get("error"))
    if code in TOKENS:
        return f"the access token is not valid, or no longer: get a new one and add the channel again ({code})"
    return f"{said} ({code})" if said and code else said or code


def code_of(answer: Answer) -> str:
    """The `errcode` of an answer; empty if it has none."""
    body = answer.json
    return clean(body.get("errcode")) if isinstance(body, Mapping) else ""


@frozen
class Sent:
    """The id of an event of ours."""

    event_id: str


@define(eq=False)
class MatrixApi:
    """One account's way to its homeserver."""

    platform: Platform

    async def whoami(self) -> str:
        """The id of the account. `GET /account/whoami`."""
        answer = await self.platform.request("GET", f"{CLIENT}/account/whoami", route="whoami")
        return clean(self._object(answer).get("user_id"))

    async def look(self) -> Sync:
        """Where we are now, with all rooms and invitations and nothing that was said. `GET /sync`."""
        nothing = {"state": _NONE, "timeline": {"limit": 1, "types": []}}
        return await self._sync({"timeout": "0"}, nothing, ANSWER_SECONDS * 4)

    async def sync(self, since: str, wait: float) -> Sync:
        """What is new after *since*, waited for at most *wait* seconds. `GET /sync`."""
        said = {"timeline": {"limit": TIMELINE, "types": HEARD}, "state": {"types": HEARD, "lazy_load_members": True}}
        params = {"timeout": str(round(wait * 1_000)), "since": since}
        return await self._sync(params, said, wait + ANSWER_SECONDS)

    async def _sync(self, params: Mapping[str, str], room: Mapping[str, object], seconds: float) -> Sync:
        wanted = {
            "presence": _NONE,
            "account_data": _NONE,
            "room": {"ephemeral": _NONE, "account_data": _NONE, **room},
        }
        answer = await self.platform.request(
            *("GET", f"{CLIENT}/sync"),
            route="sync",
            params={**params, "filter": json.dumps(wanted)},
            seconds=seconds,
            most=MOST_SYNC,
        )
        return self._read(Sync, answer)

    async def messages(self, room: str, *, before: str, after: str | None) -> Page | None:
        """What was said before a point, newest first, down to another; None: we may not know.

        `GET /rooms/{roomId}/messages`.
        """
        params = {"dir": "b", "limit": str(PAGE), "from": before, "filter": json.dumps({"types": HEARD})}
        params |= {} if after is None else {"to": after}
        path = f"{CLIENT}/rooms/{_in_path(room)}/messages"
        answer = await self.platform.ask("GET", path, route="messages", params=params, most=MOST_SYNC)
        return None if self._is_closed(answer) else self._read(Page, answer)

    async def members(self, room: str) -> list[object] | None:
        """The membership events of who is in *room* or was asked into it; None: we may not know.

        `GET /rooms/{roomId}/members`.
        """
        path = f"{CLIENT}/rooms/{_in_path(room)}/members"
        params = {"not_membership": "leave"}
        answer = await self.platform.ask("GET", path, route="members", params=params, most=MOST_MEMBERS)
        if self._is_closed(answer):
            return None
        chunk = self._object(answer).get("chunk")
        return chunk if isinstance(chunk, list) else []

    async def state(self, room: str, kind: str) -> Content | None:
        """The content of a state event; None: there is none. `GET /rooms/{roomId}/state/{eventType}`."""
        path = f"{CLIENT}/rooms/{_in_path(room)}/state/{_in_path(kind)}"
        answer = await self.platform.ask("GET", path, route="state")
        return None if self._is_closed(answer) else self._object(answer)

    async def send(self, room: str, kind: str, content: Content, key: str, *, route: str = "") -> Answer:
        """Send an event once for each *key*, whatever the answer. `PUT /rooms/{roomId}/send/{eventType}/{txnId}`."""
        path = f"{CLIENT}/rooms/{_in_path(room)}/send/{_in_path(kind)}/{_in_path(key)}"
        return await self.platform.ask("PUT", path, route=route or f"send {room}", body=content)

    async def redact(self, room: str, event: str, key: str, *, route: str) -> None:
        """Take an event away. `PUT /rooms/{roomId}/redact/{eventId}/{txnId}`."""
        path = f"{CLIENT}/rooms/{_in_path(room)}/redact/{_in_path(event)}/{_in_path(key)}"
        await self.platform.request("PUT", path, route=route, body={})

    def sent(self, answer: Answer) -> str:
        """The id of the event that was sent. Raises `DeliveryError` if it was not."""
        self._expect(answer)
        return self._read(Sent, answer).event_id

    async def typing(self, room: str, user: str, seconds: float) -> None:
        """Show that we write, for so long. `PUT /rooms/{roomId}/typing/{userId}`."""
        path = f"{CLIENT}/rooms/{_in_path(room)}/typing/{_in_path(user)}"
        said = {"typing": True, "timeout": round(seconds * 1_000)}
        await self.platform.request("PUT", path, route=f"typing {room}", body=said)

    async def join(self, room: str) -> None:
        """Go into a room that we were asked into. `POST /rooms/{roomId}/join`."""
        await self.platform.request(
            "POST", f"{CLIENT}/rooms/{_in_path(room)}/join", route="join", body={}, seconds=60.0
        )

    async def create_direct(self, user: str) -> str:
        """Make a room for us and *user*; returns its id. `POST /createRoom`."""
        said = {"is_direct": True, "invite": [user], "preset": "private_chat", "visibility": "private"}
        answer = await self.platform.request("POST", f"{CLIENT}/createRoom", route="create", body=said)
        return clean(self._object(answer).get("room_id"))

    async def direct_rooms(self, me: str) -> dict[str, list[str]]:
        """Which rooms the account calls direct, by user. `GET /user/{userId}/account_data/m.direct`."""
        answer = await self.platform.ask("GET", self._direct(me), route="account data")
        if answer.status == MISSING:
            return {}
        self._expect(answer)
        said = self._object(answer)
        return {
            user: [clean(room) for room in rooms if clean(room)]
            for user, rooms in said.items()
            if isinstance(rooms, list)
        }

    async def put_direct_rooms(self, me: str, rooms: Mapping[str, list[str]]) -> None:
        """Say which rooms are direct. `PUT /user/{userId}/account_data/m.direct`."""
        await self.platform.request("PUT", self._direct(me), route="account data", body=dict(rooms))

    async def upload(self, path: Path, size: int, name: str, mime_type: str) -> str:
        """Bring a file of ours to the server; returns its `mxc` address. `POST /_matrix/media/v3/upload`."""
        with file_body(path, size) as body:
            answer = await self.platform.request(
                *("POST", "/_matrix/media/v3/upload"),
                route="upload",
                params={"filename": name},
                headers={**body.headers, "content-type": mime_type},
                content=body,
                seconds=ANSWER_SECONDS + size / (256 << 10),
            )
        return clean(self._object(answer).get("content_uri"))

    def _direct(self, me: str) -> str:
        return f"{CLIENT}/user/{_in_path(me)}/account_data/m.direct"

    def _is_closed(self, answer: Answer) -> bool:
        """Is what was asked for not there, or not for us? Raises `DeliveryError` for any other failure."""
        if answer.status in NOT_OURS:
            return True
        self._expect(answer)
        return False

    def _expect(self, answer: Answer) -> None:
        if (refused := self.platform.refusal(answer)) is not None:
            raise refused

    def _object(self, answer: Answer) -> Mapping[str, Any]:
        body = answer.json
        if not isinstance(body, Mapping):
            raise self.platform.error("an answer that makes no sense: no object", retryable=True, reached=True)
        return body

    def _read(self, cls: type[T], answer: Answer) -> T:
        try:
            return read(cls, answer.json)
        except UnfitError as exc:
            why = f"an answer that makes no sense: {exc}"
            raise self.platform.error(why, retryable=True, reached=True) from None


@asynccontextmanager
async def open_api(means: Means) -> AsyncGenerator[MatrixApi]:
    """The way to the homeserver of a channel's settings."""
    token = means.settings["token"]
    async with open_platform(
        *(means.name, means.settings["url"]),
        headers={"authorization": f"Bearer {token}"},
        secrets=(token,),
        words=words,
        clock=means.clock,
    ) as platform:
        yield MatrixApi(platform)


def media_path(server: str, media: str) -> str:
    """Where a file is fetched from: `GET /_matrix/client/v1/media/download/{serverName}/{mediaId}`."""
    return f"{MEDIA}/download/{_in_path(server)}/{_in_path(media)}"


def _in_path(text: str) -> str:
    return quote(text, safe="")

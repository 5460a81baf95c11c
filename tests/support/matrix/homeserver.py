"""A Matrix homeserver on loopback, over real HTTP: rooms, `/sync` with gaps, transaction ids, media.

It follows https://spec.matrix.org/v1.15/client-server-api/: "Syncing" (a limited timeline has a `prev_batch`), "Getting
events for a room", "Transaction identifiers" (a second event of the same id of one access token is the first one),
"Content repository" (authenticated media), "Rate limiting", "Room membership". Federation, signatures and power levels
are not there: a test says what others do, and the account under test does what it may.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define, evolve, field, frozen

from tests.support.fake_http import Asked, FakeHttp, Reply, open_http, reply

Json = dict[str, Any]
TOKEN = "syt_bmFubw_secret"  # noqa: S105 - of a server that is none
ME = "@nano:example.org"


@frozen(kw_only=True)
class Shown:
    """A message of the account, as people see it now."""

    id: str
    text: str
    html: str | None
    thread: str | None
    answers: str | None
    mentions: Json
    file: bytes | None
    reactions: tuple[str, ...]


@define(eq=False)
class Homeserver:
    """Its rooms, and what was said in them, in one stream for all."""

    http: FakeHttp = field(init=False)
    stream: list[tuple[str, Json]] = field(factory=list[tuple[str, Json]], init=False)
    """Events by room, oldest first."""
    media: dict[str, bytes] = field(factory=dict[str, bytes], init=False)
    direct: Json = field(factory=dict[str, Any], init=False)
    typing: list[str] = field(factory=list[str], init=False)
    acknowledged: int = field(default=0, init=False)
    """How much of the stream we have been told of, and have, as far as our questions say."""
    _again: bool = field(default=False, init=False)
    _transactions: dict[str, str] = field(factory=dict[str, str], init=False)
    _changed: trio.Event = field(factory=trio.Event, init=False)

    @property
    def url(self) -> str:
        """Where it is."""
        return self.http.url

    def event(self, room: str, sender: str, kind: str, content: Json, **more: Any) -> str:
        """Something happens in *room*; returns the event's id."""
        name = f"$event{len(self.stream)}"
        self.stream.append(
            (room, {"event_id": name, "type": kind, "sender": sender, "content": content, "room_id": room, **more})
        )
        self._changed.set()
        self._changed = trio.Event()
        return name

    def tell_again(self) -> None:
        """The next answer of `/sync` has all of it once more."""
        self._again = True
        self._changed.set()
        self._changed = trio.Event()

    async def drop(self) -> None:
        """Cut all connections."""
        for stream in list(self.http._open):
            await trio.aclose_forcefully(stream)

    def said(self, room: str, text: str, *, by: str = "@ada:example.org", **content: Any) -> str:
        """A person says something."""
        return self.event(room, by, "m.room.message", {"msgtype": "m.text", "body": text, **content})

    def edited(self, room: str, event_id: str, text: str, *, by: str = "@ada:example.org") -> str:
        """A person changes what they said."""
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": event_id}
        return self.said(room, f"* {text}", by=by, **{"m.new_content": new, "m.relates_to": relation})

    def taken_back(self, room: str, event_id: str, *, by: str = "@ada:example.org") -> str:
        """A person takes back what they said."""
        for _, event in self.stream:
            if event["event_id"] == event_id:
                event["content"] = {}
        return self.event(room, by, "m.room.redaction", {"redacts": event_id}, redacts=event_id)

    def member(self, room: str, user: str, membership: str = "join", *, by: str | None = None, name: str = "") -> str:
        """Somebody comes, goes, or is asked in."""
        was = self.membership(room, user)
        content = {"membership": membership, **({"displayname": name} if name else {})}
        more = {"unsigned": {"prev_content": {"membership": was}}} if was else {}
        return self.event(room, by or user, "m.room.member", content, state_key=user, **more)

    def make_room(self, room: str = "!hall:example.org", *others: str, name: str = "") -> str:
        """A room with the account and *others* in it; with Ada, if nobody is named."""
        for user in (*(others or ("@ada:example.org",)), ME):
            self.member(room, user)
        if name:
            self.event(room, ME, "m.room.name", {"name": name}, state_key="")
        return room

    def membership(self, room: str, user: str) -> str:
        """What *user* is to *room*; empty: nothing."""
        return str(self.state(room).get(("m.room.member", user), {}).get("content", {}).get("membership", ""))

    def state(self, room: str) -> dict[tuple[str, str], Json]:
        """The state of a room as it is now."""
        events = [one for place, one in self.stream if place == room and "state_key" in one]
        return {(one["type"], one["state_key"]): one for one in events}

    def shown(self, room: str) -> list[Shown]:
        """What people see of the account in *room*, changes and reactions applied."""
        found: dict[str, Shown] = {}
        reactions: dict[str, list[str]] = {}
        for place, event in self.stream:
            content, relation = event["content"], event["content"].get("m.relates_to", {})
            if place != room or event["sender"] != ME or not content:
                continue
            if event["type"] == "m.reaction":
                reactions.setdefault(relation["event_id"], []).append(relation["key"])
            elif event["type"] == "m.room.message" and relation.get("rel_type") == "m.replace":
                if relation["event_id"] in found:
                    found[relation["event_id"]] = self._show(relation["event_id"], content["m.new_content"], {})
            elif event["type"] == "m.room.message":
                found[event["event_id"]] = self._show(event["event_id"], content, relation)
        return [evolve(one, reactions=tuple(reactions.get(one.id, ()))) for one in found.values()]

    def _show(self, event_id: str, content: Json, relation: Json) -> Shown:
        return Shown(
            id=event_id,
            text=content["body"],
            html=content.get("formatted_body"),
            thread=relation.get("event_id") if relation.get("rel_type") == "m.thread" else None,
            answers=relation.get("m.in_reply_to", {}).get("event_id"),
            mentions=content["m.mentions"],
            file=self.media.get(content.get("url", "")),
            reactions=(),
        )

    async def answer(self, asked: Asked) -> Reply:
        """Answer as a homeserver does."""
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return trouble(401, "M_UNKNOWN_TOKEN", "Unrecognised access token")
        parts = asked.path.removeprefix("/_matrix/").split("/")
        if parts[:3] == ["client", "v3", "rooms"]:
            return self._ask_room(asked, parts[3], parts[4:])
        match asked.method, parts:
            case "GET", ["client", "v3", "account", "whoami"]:
                return reply({"user_id": ME, "device_id": "NANO"})
            case "GET", ["client", "v3", "sync"]:
                return await self._sync(asked.query)
            case "POST", ["client", "v3", "createRoom"]:
                return self._create(asked.json)
            case "PUT", ["client", "v3", "user", _, "account_data", "m.direct"]:
                self.direct = asked.json
                return reply({})
            case "GET", ["client", "v3", "user", _, "account_data", "m.direct"] if self.direct:
                return reply(self.direct)
            case "POST", ["media", "v3", "upload"]:
                url = f"mxc://example.org/media{len(self.media)}"
                self.media[url] = asked.body
                return reply({"content_uri": url})
            case "GET", ["client", "v1", "media", "download", server, name] if (
                url := f"mxc://{server}/{name}"
            ) in self.media:
                return Reply(body=self.media[url])
            case _:
                return trouble(404, "M_NOT_FOUND", "Not found")

    def _ask_room(self, asked: Asked, room: str, what: list[str]) -> Reply:
        if what == ["join"]:
            return self._join(room)
        if self.membership(room, ME) != "join":
            return trouble(403, "M_FORBIDDEN", f"User {ME} not in room {room}")
        match asked.method, what:
            case "GET", ["messages"]:
                return self._messages(room, asked.query)
            case "GET", ["members"]:
                return self._members(room)
            case "GET", ["state", kind] if (kind, "") in self.state(room):
                return reply(self.state(room)[kind, ""]["content"])
            case "PUT", ["send", kind, key]:
                return self._send(room, kind, key, asked.json)
            case "PUT", ["redact", event, _]:
                return reply({"event_id": self.taken_back(room, event, by=ME)})
            case "PUT", ["typing", _]:
                self.typing.append(room)
                return reply({})
            case _:
                return trouble(404, "M_NOT_FOUND", "Not found")

    def _create(self, wanted: Json) -> Reply:
        room = f"!made{len(self.stream)}:example.org"
        self.member(room, ME)
        for user in wanted["invite"]:
            self.member(room, user, "invite", by=ME)
        return reply({"room_id": room})

    async def _sync(self, query: Mapping[str, str]) -> Reply:
        since = int(query["since"][1:]) if "since" in query else None
        wanted = json.loads(query["filter"])["room"]["timeline"]
        self.acknowledged = max(self.acknowledged, since or 0)
        with trio.move_on_after(float(query["timeout"]) / 1_000):
            while since is not None and not self._news(since) and not self._again:
                await self._changed.wait()
        if since is not None and self._again:
            since, self._again, wanted["limit"] = 0, False, len(self.stream)
        rooms: dict[str, Json] = {"join": {}, "invite": {}, "leave": {}}
        for room in dict.fromkeys(room for room, _ in self.stream):
            self._room(rooms, room, since, wanted)
        return reply({"next_batch": f"s{len(self.stream)}", "rooms": rooms})

    def _news(self, since: int) -> bool:
        return any(self.membership(room, ME) for room, _ in self.stream[since:])

    def _room(self, rooms: dict[str, Json], room: str, since: int | None, wanted: Json) -> None:
        now, state = self.membership(room, ME), self.state(room)
        begin = since or 0
        fresh = any(place == room for place, _ in self.stream[begin:])
        if now == "invite" and fresh:
            rooms["invite"][room] = {"invite_state": {"events": list(state.values())}}
        if now in {"leave", "ban"} and fresh and since is not None:
            rooms["leave"][room] = {}
        if now != "join" or (not fresh and since is not None):
            return
        came = max(at for at, (place, one) in enumerate(self.stream) if place == room and one.get("state_key") == ME)
        new = since is None or came >= begin
        found = self._events(room, 0 if new else begin, len(self.stream), wanted["types"])
        some = found[-wanted["limit"] :]
        at = some[0][0] if some else begin
        timeline = {"events": [one for _, one in some], "limited": len(some) < len(found), "prev_batch": f"t{at}"}
        rooms["join"][room] = {"timeline": timeline, "state": {"events": []}}

    def _events(self, room: str, begin: int, end: int, types: list[str]) -> list[tuple[int, Json]]:
        return [
            (at, one)
            for at, (place, one) in enumerate(self.stream[:end])
            if at >= begin and place == room and one["type"] in types
        ]

    def _messages(self, room: str, query: Mapping[str, str]) -> Reply:
        begin = int(query["to"][1:]) if "to" in query else 0
        found = self._events(room, begin, int(query["from"][1:]), json.loads(query["filter"])["types"])
        some = found[-int(query["limit"]) :]
        more = {"end": f"t{some[0][0]}"} if len(some) < len(found) else {}
        return reply({"chunk": [one for _, one in reversed(some)], "start": query["from"], **more})

    def _members(self, room: str) -> Reply:
        members = [one for (kind, _), one in self.state(room).items() if kind == "m.room.member"]
        return reply({"chunk": [one for one in members if one["content"]["membership"] != "leave"]})

    def _send(self, room: str, kind: str, key: str, content: Json) -> Reply:
        if key not in self._transactions:
            self._transactions[key] = self.event(room, ME, kind, content)
        return reply({"event_id": self._transactions[key]})

    def _join(self, room: str) -> Reply:
        if self.membership(room, ME) not in {"invite", "join"}:
            return trouble(403, "M_FORBIDDEN", "You are not invited to this room.")
        self.member(room, ME)
        return reply({"room_id": room})


def trouble(status: int, code: str, words: str, **more: Any) -> Reply:
    """An error, as "Standard error response" has it."""
    return reply({"errcode": code, "error": words, **more}, status)


@asynccontextmanager
async def open_homeserver() -> AsyncGenerator[Homeserver]:
    """A homeserver in this loop, until left."""
    server = Homeserver()
    async with open_http(server.answer) as http:
        server.http = http
        yield server

"""Hearing a Matrix account: answers of `/sync` one after the other, each kept in mind once all of it is stored.

Events of a room are told in their order, rooms beside each other. Where an answer leaves something out, it is asked
for. Whatever is told twice because we died before the mark was kept is the same event again, and stored once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog
import trio
from attrs import define, field

from nanoclaw.channels.base import Receive
from nanoclaw.channels.fetching import Wanted, with_files
from nanoclaw.channels.matrix.api import MatrixApi, media_path
from nanoclaw.channels.matrix.codec import Account, Nothing, Said, Unreadable, text_content, understand
from nanoclaw.channels.matrix.rooms import (
    STATE,
    Room,
    inviter,
    is_arrival,
    may_invite,
    people_of,
    since_arrival,
)
from nanoclaw.channels.matrix.wire import Event, Invitation, JoinedRoom, Sync, clean, read_event
from nanoclaw.channels.registry import Means
from nanoclaw.errors import DeliveryError
from nanoclaw.model.messages import Revision

log = structlog.get_logger()

WAIT_SECONDS = 30.0
"""The server keeps silent for so long when there is nothing new."""
MOST_PAGES = 200
"""Of what one room said while we were away."""
MOST_ROOMS_AT_ONCE = 8
JOIN_TRIES = 5
ENCRYPTED = (
    "This room is encrypted, which I cannot read yet, and I say nothing else here. "
    "Ask me into a room without encryption instead."
)


@define(eq=False)
class Hearing:
    """One life of one account's connection."""

    _api: MatrixApi
    _me: Account
    _means: Means
    _receive: Receive
    rooms: dict[str, Room]
    """What is known of rooms; the channel looks into it as well."""
    _inside: set[str] = field(factory=set[str], init=False)
    """The rooms that we are in."""
    _invited: dict[str, int] = field(factory=dict[str, int], init=False)
    """Rooms that we want into, and how often we tried."""

    async def run(self, heard: Callable[[], None]) -> None:
        """Hear until cancelled; *heard* is called at each answer. Raises `DeliveryError`, and what *receive* does."""
        mark = f"since {self._me.user}"
        first = await self._api.look()
        self._inside |= set(first.rooms.join)
        self._consider(first.rooms.invite)
        since = await self._means.marks.get(mark)
        if since is None:
            since = first.next_batch
            await self._means.marks.put(mark, since)
        heard()
        while True:
            await self._enter()
            answer = await self._api.sync(since, 1.0 if self._invited else WAIT_SECONDS)
            heard()
            await self._take(answer, since)
            if answer.next_batch != since:
                await self._means.marks.put(mark, answer.next_batch)
            since = answer.next_batch

    async def _take(self, answer: Sync, since: str) -> None:
        self._consider(answer.rooms.invite)
        for room in answer.rooms.leave:
            self._inside.discard(room)
            self.rooms.pop(room, None)
            log.info("matrix_room_left", channel=self._me.channel, room=room)
        at_once = trio.CapacityLimiter(MOST_ROOMS_AT_ONCE)
        async with trio.open_nursery() as nursery:
            for room, news in answer.rooms.join.items():
                nursery.start_soon(self._take_room, room, news, since, at_once)

    async def _take_room(self, room: str, news: JoinedRoom, since: str, at_once: trio.CapacityLimiter) -> None:
        async with at_once:
            events = _read_all(news.timeline.events)
            if news.timeline.limited and news.timeline.prev_batch is not None:
                known = room in self._inside
                events = await self._missed(room, news.timeline.prev_batch, since if known else None) + events
            self._inside.add(room)
            self._invited.pop(room, None)
            if any(event.type in STATE for event in [*events, *_read_all(news.state.events)]):
                self.rooms.pop(room, None)
            for event in since_arrival(events, self._me.user):
                if event.type not in STATE:
                    await self._tell(event, room)

    async def _missed(self, room: str, before: str, after: str | None) -> list[Event]:
        """What was said in *room* before one point and after the other, oldest first; at most since we came."""
        found: list[Event] = []
        for _ in range(MOST_PAGES):
            page = await self._api.messages(room, before=before, after=after)
            if page is None:
                log.error(
                    "matrix_gap_not_readable", channel=self._me.channel, room=room, why="we are not in it any more"
                )
                return found[::-1]
            events = _read_all(page.chunk)
            found += events
            if page.end is None or not page.chunk or any(is_arrival(event, self._me.user) for event in events):
                return found[::-1]
            before = page.end
        log.error("matrix_gap_too_long", channel=self._me.channel, room=room, events=len(found))
        return found[::-1]

    async def _tell(self, event: Event, room_id: str) -> None:
        room = await self.room(room_id)
        match understand(event, room, self._me):
            case Said(event=told, files=files):
                if not told.mention and not self._means.engages(room_id, told.thread_id):
                    return
                whole = await with_files(
                    told,
                    [
                        Wanted(name=file.name, url=media_path(file.server, file.media), mime_type=file.mime_type)
                        for file in files
                    ],
                    self._api.platform,
                    self._means.spool,
                    # A path, so that it is our own server in any case.
                    trusted=lambda _: True,
                )
                await self._receive(whole)
            case Revision() as revision:
                await self._receive(revision)
            case Unreadable():
                await self._say_unreadable(room_id)
            case Nothing(why):
                log.debug("matrix_event_not_told", channel=self._me.channel, room=room_id, type=event.type, why=why)

    async def room(self, room_id: str) -> Room:
        """What is known of a room; asked for if nothing is."""
        found = self.rooms.get(room_id)
        if found is None:
            name = await self._api.state(room_id, "m.room.name")
            encryption = await self._api.state(room_id, "m.room.encryption")
            members = await self._api.members(room_id)
            found = Room(
                id=room_id,
                name=clean((name or {}).get("name")).strip() or None,
                people=None if members is None else people_of(members),
                encrypted=encryption is not None,
            )
            if members is not None:
                self.rooms[room_id] = found
        return found

    def _consider(self, invitations: Mapping[str, Invitation]) -> None:
        """Take note of the rooms that we go into; what we do not follow stays open, for the operator to allow."""
        for room, invitation in invitations.items():
            by = inviter(invitation.invite_state.events, self._me.user)
            if by is not None and may_invite(by, self._means.settings["invites"]):
                self._invited.setdefault(room, 0)
            else:
                log.warning("matrix_invitation_not_followed", channel=self._me.channel, room=room, by=by)

    async def _enter(self) -> None:
        for room in list(self._invited):
            try:
                await self._api.join(room)
            except DeliveryError as exc:
                tries = self._invited[room] = self._invited[room] + 1
                log.warning("matrix_room_not_entered", channel=self._me.channel, room=room, why=str(exc))
                if not exc.retryable or tries >= JOIN_TRIES:
                    del self._invited[room]
            else:
                del self._invited[room]
                log.info("matrix_room_entered", channel=self._me.channel, room=room)

    async def _say_unreadable(self, room: str) -> None:
        """Tell a room, once, that nothing said there is read."""
        mark = f"told encrypted {room}"
        if await self._means.marks.get(mark) is not None:
            return
        log.error("matrix_room_encrypted", channel=self._me.channel, room=room, why="there is no encryption here yet")
        answer = await self._api.send(
            *(room, "m.room.message"), text_content(ENCRYPTED, speaker=None, notice=True), "encrypted"
        )
        if (refused := self._api.platform.refusal(answer)) is not None and refused.retryable:
            raise refused
        await self._means.marks.put(mark, "yes")


def _read_all(raw: tuple[object, ...]) -> list[Event]:
    found = []
    for one in raw:
        event = read_event(one)
        if isinstance(event, Event):
            found.append(event)
        else:
            log.warning("matrix_event_unfit", why=event)
    return found

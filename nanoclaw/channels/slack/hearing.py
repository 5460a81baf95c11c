"""Taking in what Slack tells: in its order, each thing once it is safe, and after a gap what was missed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog
import trio
from attrs import define, evolve, field

from nanoclaw.channels.base import NotHeard, Receive
from nanoclaw.channels.dialects.slack_mrkdwn import literal
from nanoclaw.channels.fetching import Wanted, with_files
from nanoclaw.channels.gaps import GapLooks, Take
from nanoclaw.channels.http import Platform
from nanoclaw.channels.progress import MARK, Reading, earlier
from nanoclaw.channels.reading import UnfitError, read
from nanoclaw.channels.registry import Means
from nanoclaw.channels.remembering import patiently, remember
from nanoclaw.channels.slack import codec
from nanoclaw.channels.slack.api import Api, RefusedError
from nanoclaw.channels.slack.codec import Heard, Names, Nothing
from nanoclaw.channels.slack.objects import Envelope, Event, Me, Message, Payload, Pressed
from nanoclaw.errors import DeliveryError
from nanoclaw.model.messages import InboundEvent

log = structlog.get_logger()

T = TypeVar("T")

MOST_PAGES = 10
"""Of one place after a gap: 2,000 messages."""
MOST_PLACES = 40
"""That are looked through after a gap: those in which something was said last."""
MOST_LISTED = 5
"""Pages of the conversations that we are in: 1,000 of them."""
MARGIN_SECONDS = 120
"""How much earlier than what was heard last something may have been said that was not: it is told by many."""
HEARD_SECONDS = 60
ELSEWHERE = ""
"""Stands for all conversations of which nothing is known to have been read, until they are listed."""
CHANGES = frozenset({"message_changed", "message_deleted"})


@define(eq=False)
class Hearing:
    """Everything that is heard in one life of a channel."""

    means: Means
    api: Api
    files: Platform
    """Where files are."""
    reading: Reading
    _receive: Receive
    well: Callable[[], None] = field(default=lambda: None, init=False)
    """Told when events come."""
    me: Me | None = field(default=None, init=False)
    _people: OrderedDict[str, str] = field(factory=OrderedDict[str, str], init=False)
    _chats: OrderedDict[str, str] = field(factory=OrderedDict[str, str], init=False)
    """What conversations are called; an empty text where they have no name."""
    gaps: GapLooks = field(init=False)
    _known: frozenset[str] = field(default=frozenset(), init=False)
    """Places of which something had been read when the connection was made."""
    _begun: int = field(default=0, init=False)
    """How many threads have begun with what was missed."""
    _heard: OrderedDict[str, str] = field(factory=OrderedDict[str, str], init=False)
    """The ids of messages that were told."""

    def __attrs_post_init__(self) -> None:
        self.gaps = GapLooks(self.means.name, self.means.marks, self._look)

    async def begin(self) -> None:
        """A connection is there: find out who we are, and where something may have been missed.

        Raises `DeliveryError`.
        """
        self.gaps.begin()
        self.me = await patiently(self.api.me)
        known = self.reading.places
        self._known, self._begun = frozenset(known), 0
        # Where there was news last there will be more.
        places = {place: self.reading.last(place) or "0" for place in reversed(known[-MOST_PLACES:])}
        if self.reading.since is None:
            # Nothing was ever heard: what was said before the first connection is nobody's business.
            now = self.api.time or self.means.clock.now()
            self.reading.heard(f"{int(now.timestamp())}.000000", least=0)
        else:
            places[ELSEWHERE] = self.reading.since
        await self.gaps.add(places)
        self.well()

    def _places(self, envelope: Envelope) -> tuple[str, ...]:
        """Those that have to be looked through before an envelope is taken in, the widest first."""
        if self.gaps.closed or envelope.type != "events_api":
            return ()
        try:
            event = read(Event, read(Payload, envelope.payload).event)
        except UnfitError:
            return ()
        about = event.message or event.previous_message
        ts, thread = (event.ts, event.thread_ts) if about is None else (about.ts, about.thread_ts)
        if event.channel is None:
            return ()
        wide = (event.channel,) if event.channel in self._known else (ELSEWHERE, event.channel)
        if thread is None or thread == ts:
            return wide
        place = _place(event.channel, thread)
        # A thread that nobody has heard of may have begun with what was missed.
        return (place,) if place in self._known else (*wide, place)

    async def _look(self, place: str, last: str) -> dict[str, str]:
        return await (self._never_heard(last) if place == ELSEWHERE else self._catch_up(place, last))

    async def _never_heard(self, since: str) -> dict[str, str]:
        """Conversations that we are in, and of which nothing is known to have been read; private ones first."""
        try:
            there = await self.api.conversations(most=MOST_LISTED)
        except RefusedError as exc:
            log.warning("slack_conversations_not_listed", channel=self.means.name, why=exc.why)
            return {}
        unheard = sorted((one.id for one in there if self.reading.last(one.id) is None), key=lambda one: one[:1] != "D")
        if len(unheard) > MOST_PLACES:
            log.warning("slack_conversations_left_out", channel=self.means.name, number=len(unheard) - MOST_PLACES)
        return dict.fromkeys(unheard[:MOST_PLACES], earlier(since, MARGIN_SECONDS))

    async def offer(self, envelope: Envelope, take: Take) -> None:
        """Have *envelope* taken in by *take*, once what was missed before it was."""
        await self.gaps.offer(self._places(envelope), take)

    async def take_in(self, envelope: Envelope) -> None:
        """See to it that one envelope is safe. What does not fit the documentation is logged and left out.

        Raises:
          StoreError: it is not safe.
        """
        try:
            if envelope.type == "events_api":
                await self._event(read(Payload, envelope.payload))
            elif envelope.type == "interactive":
                await self._pressed(read(Pressed, envelope.payload))
        except UnfitError as exc:
            log.warning("slack_event_unfit", channel=self.means.name, kind=envelope.type, why=str(exc))
        await trio.lowlevel.checkpoint()

    async def _event(self, payload: Payload) -> None:
        event = read(Event, payload.event)
        if event.type == "message" and event.subtype in CHANGES:
            await self._change(event)
        elif event.type in ("message", "app_mention"):
            message = read(Message, payload.event)
            if self.gaps.closed:
                # Else a host that dies now would not know since when to look where nothing was ever heard.
                self.reading.heard(message.ts, least=HEARD_SECONDS)
            await self._message(message, mentioned=event.type == "app_mention")

    async def _message(self, message: Message, *, mentioned: bool = False) -> None:
        me, channel = self.me, message.channel
        if me is None or channel is None:
            return
        if codec.why_not(message, me) is None and codec.message_id(channel, message.ts) not in self._heard:
            names = Names(people={})
            if not isinstance(self._read(message, me, names, mentioned=mentioned), Nothing):
                names = await self._names(codec.people_in(message), None if codec.is_direct(message) else channel)
            said = self._read(message, me, names, mentioned=mentioned)
            if isinstance(said, Heard):
                # What answers it stands in a thread of its own.
                places = {_place(channel, message.thread_ts), _place(channel, message.thread_ts or message.ts)}
                event = await self._whole(said)
                new = [place for place in sorted(places) if self.reading.begin(place, message.ts)]
                if channel in new and (since := self.gaps.late(ELSEWHERE)) is not None:
                    # Conversations could not be listed in time: from now on, this one counts as one that was heard.
                    await self.gaps.add({channel: earlier(since, MARGIN_SECONDS)})
                if new:
                    await self.means.marks.put(MARK, self.reading.kept())
                await self._receive(event)
                remember(self._heard, event.platform_message_id, "")
                for place in sorted(places):
                    self.reading.saw(place, message.ts)
                return
        if self.reading.last(_place(channel, message.thread_ts)) is not None:
            self.reading.saw(_place(channel, message.thread_ts), message.ts)

    def _read(self, message: Message, me: Me, names: Names, *, mentioned: bool) -> Heard | Nothing:
        return codec.read_message(self.means.name, message, me, names, self.means.engages, mentioned=mentioned)

    async def _whole(self, said: Heard) -> InboundEvent:
        wanted = [
            Wanted(
                name=one.name or one.id,
                size=one.size,
                url=one.url_private_download or one.url_private,
                mime_type=one.mimetype,
            )
            for one in said.files
        ]
        trusted = f"{self.files.base_url.rstrip('/')}/"
        return await with_files(
            said.event, wanted, self.files, self.means.spool, trusted=lambda url: url.startswith(trusted)
        )

    async def _change(self, event: Event) -> None:
        me, channel, about = self.me, event.channel, event.message or event.previous_message
        if me is None or channel is None or about is None:
            return
        revision = codec.read_change(self.means.name, event, me, Names(people={}))
        if isinstance(revision, Nothing):
            return
        # It may have been heard before, whoever listens there today; but then what people are called is not asked for.
        told = codec.message_id(channel, event.deleted_ts or about.ts) in self._heard
        listens = told or channel.startswith("D") or self.means.engages(channel, about.thread_ts)
        names = await self._names(codec.people_in(about) if listens else (), None)
        again = codec.read_change(self.means.name, event, me, names)
        await self._receive(revision if isinstance(again, Nothing) else again)

    async def _pressed(self, pressed: Pressed) -> None:
        if self.me is None:
            return
        chat = None if pressed.channel is None else pressed.channel.id
        event = codec.read_press(self.means.name, pressed, self.me, await self._names([pressed.user.id], chat))
        if isinstance(event, Nothing) or chat is None:
            return
        receipt = await self._receive(event)
        if isinstance(receipt, NotHeard):
            try:
                await self.api.tell_alone(chat, pressed.user.id, literal(receipt.detail))
            except DeliveryError as exc:
                log.info("slack_press_not_answered", channel=self.means.name, why=exc.why)

    async def _names(self, people: Iterable[str], chat: str | None) -> Names:
        """What people and a conversation are called; who cannot be found is called by their id."""
        for user in people:
            if user not in self._people:
                try:
                    found = await self.api.user(user)
                except DeliveryError as exc:
                    log.info("slack_user_unknown", channel=self.means.name, why=exc.why)
                    continue
                profile = found.profile
                remember(self._people, user, codec.called(profile.display_name, profile.real_name, found.name, user))
        if chat is not None and chat not in self._chats:
            try:
                remember(self._chats, chat, (await self.api.conversation(chat)).name or "")
            except DeliveryError as exc:
                log.info("slack_conversation_unknown", channel=self.means.name, why=exc.why)
        named = codec.called(self._chats.get(chat or "", ""), "", "", "")
        return Names(people=dict(self._people), chat=named or None)

    async def _catch_up(self, place: str, last: str) -> dict[str, str]:
        """Fetch what was said in *place* after *last*; the threads that have begun with it."""
        channel, _, thread = place.partition("/")
        begun: dict[str, str] = {}
        try:
            missed = await self.api.after(channel, thread or None, last, most=MOST_PAGES, patient=True)
        except RefusedError as exc:
            log.info("slack_place_gone", channel=self.means.name, place=place, why=exc.why)
            self.reading.forget(place)
            return begun
        kind = "im" if channel.startswith("D") else "channel"
        for message in missed:
            await self._message(evolve(message, channel=channel, channel_type=kind))
            # It stands in no history but its own.
            began = _place(channel, message.ts)
            if message.reply_count and not thread and began not in self._known and self._begun < MOST_PLACES:
                self._begun += 1
                begun[began] = message.ts
        return begun


def _place(channel: str, thread: str | None) -> str:
    return channel if thread is None else f"{channel}/{thread}"

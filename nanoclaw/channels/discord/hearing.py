"""Taking in what the gateway tells: in its order, each thing once it is safe, and after a gap what was missed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Never, TypeVar
from urllib.parse import urlsplit

import structlog
import trio
from attrs import define, field

from nanoclaw.channels.base import NotHeard, Receive, Stored
from nanoclaw.channels.discord import codec
from nanoclaw.channels.discord.api import Api, RefusedError
from nanoclaw.channels.discord.codec import Heard, Me, Nothing
from nanoclaw.channels.discord.gateway_state import Tell
from nanoclaw.channels.discord.objects import (
    Channel,
    Deleted,
    Guild,
    Interaction,
    ManyDeleted,
    Message,
    Ready,
    Threads,
)
from nanoclaw.channels.discord.places import Places
from nanoclaw.channels.discord.saying import pressed_body
from nanoclaw.channels.fetching import Wanted, with_files
from nanoclaw.channels.gaps import GapLooks, Take
from nanoclaw.channels.progress import MARK, Reading, earlier, is_after
from nanoclaw.channels.reading import UnfitError, read
from nanoclaw.channels.registry import Means
from nanoclaw.channels.remembering import patiently, remember
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.mailbox import Mailbox

log = structlog.get_logger()

T = TypeVar("T")

MOST_PAGES = 20
"""Looks back in one channel after a gap: 2,000 messages."""
MOST_UNHEARD = 50
"""Channels and threads of a server that are looked through after a gap, though nothing was ever heard there."""
A_MINUTE = 60_000 << 22
"""As snowflakes count."""
MARGIN = 2 * A_MINUTE
"""How much earlier than what was heard last something may have been said that was not."""
FILES = ("https://cdn.discordapp.com/", "https://media.discordapp.net/")


@define(eq=False)
class Hearing:
    """Everything that is heard in one life of a channel."""

    means: Means
    api: Api
    places: Places
    reading: Reading
    _receive: Receive
    ours: OrderedDict[str, str]
    """The ids of messages of ours, by their nonces."""
    well: Callable[[], None] = field(default=lambda: None, init=False)
    """Told when events come."""
    _to_join: Mailbox[str] = field(factory=Mailbox[str], init=False)
    _joined: OrderedDict[str, None] = field(factory=OrderedDict[str, None], init=False)
    _awaited: set[str] = field(factory=set[str], init=False)
    """Servers that have not been looked through since the gap; one that we join later is none of them."""
    _since: str | None = field(default=None, init=False)
    """The message that was heard last before the gap."""
    _before_gap: dict[str, str] = field(factory=dict[str, str], init=False)
    gaps: GapLooks = field(init=False)
    _introduced: trio.Event = field(factory=trio.Event, init=False)
    """Set once we know who we are."""

    def __attrs_post_init__(self) -> None:
        self.gaps = GapLooks(self.means.name, self.means.marks, self._look)

    async def offer(self, told: Tell, take: Take) -> None:
        """Have *told* taken in by *take*, once what was missed before it was."""
        of_message = told.kind.startswith("MESSAGE_") and isinstance(told.data, Mapping)
        channel = told.data.get("channel_id") if of_message else None
        await self.gaps.offer((channel,) if isinstance(channel, str) else (), take)

    async def take_in(self, told: Tell) -> None:
        """See to it that one event is safe. What does not fit the documentation is logged and left out.

        Raises:
          StoreError: it is not safe.
        """
        try:
            await self._do(told.kind, told.data)
        except UnfitError as exc:
            log.warning("discord_event_unfit", channel=self.means.name, kind=told.kind, why=str(exc))
            await trio.lowlevel.checkpoint()

    async def _do(self, kind: str, data: Any) -> None:
        match kind:
            case "READY":
                ready = read(Ready, data)
                self.places.me = Me(id=ready.user.id)
                await self._catch_up(ready)
                self._introduced.set()
                self.well()
            case "RESUMED":
                self.well()
            case "GUILD_CREATE":
                await self._guild(read(Guild, data))
            case "INTERACTION_CREATE":
                await self._pressed(read(Interaction, data))
            case _ if kind.startswith("MESSAGE_"):
                await self._of_message(kind, data)
            case _:
                self._of_place(kind, data)
        await trio.lowlevel.checkpoint()

    def _of_place(self, kind: str, data: Any) -> None:
        match kind:
            case "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE":
                self.places.know([read(Channel, data)])
            case "THREAD_LIST_SYNC":
                self.places.know(read(Threads, data).threads)
            case "CHANNEL_DELETE" | "THREAD_DELETE":
                self.places.forget(read(Channel, data).id)
            case "GUILD_DELETE":
                if not (gone := read(Guild, data)).unavailable:
                    self._awaited.discard(gone.id)
            case _:
                pass

    async def _of_message(self, kind: str, data: Any) -> None:
        match kind:
            case "MESSAGE_CREATE":
                message = read(Message, data)
                if not self._awaited and self.gaps.closed:
                    # Else a host that dies now would not know since when to look through those that are left.
                    self.reading.heard(message.id, least=A_MINUTE)
                await self._message(message)
            case "MESSAGE_UPDATE":
                await self._edit(read(Message, data))
            case "MESSAGE_DELETE":
                await self._deletion(read(Deleted, data))
            case "MESSAGE_DELETE_BULK":
                many = read(ManyDeleted, data)
                for gone in many.ids:
                    await self._deletion(Deleted(id=gone, channel_id=many.channel_id))
            case _:
                pass

    async def _guild(self, guild: Guild) -> None:
        self.places.know_guild(guild)
        there = [one.last_message_id or "" for one in (*guild.channels, *guild.threads)]
        newest = max((int(one) for one in there if one.isdecimal()), default=0)
        if self.reading.since is None and newest:
            # Nothing was ever heard: what was said before the first session is nobody's business.
            self.reading.heard(str(newest), least=0)
        if guild.unavailable or guild.id not in self._awaited:
            return
        places = self._never_heard(guild)
        # Threads that were begun while we were away: all of them is news.
        for thread in guild.threads:
            parent = self._before_gap.get(thread.parent_id or "")
            new = parent is not None and thread.id.isdecimal() and int(thread.id) > int(parent)
            if new and self.reading.last(thread.id) is None:
                places[thread.id] = thread.id
        await self.gaps.add(places)
        self._awaited.discard(guild.id)

    def _never_heard(self, guild: Guild) -> dict[str, str]:
        """Channels and threads of which nothing is known to have been read, and where something was said meanwhile."""
        if self._since is None:
            return {}
        since = earlier(self._since, MARGIN)
        unheard = [
            one.id
            for one in (*guild.channels, *guild.threads)
            if self.reading.last(one.id) is None and (one.last_message_id or "").isdecimal()
            # A snowflake is a time.
            if is_after(one.last_message_id or "0", since)
        ]
        if len(unheard) > MOST_UNHEARD:
            log.warning("discord_channels_left_out", channel=self.means.name, number=len(unheard) - MOST_UNHEARD)
        return dict.fromkeys(unheard[:MOST_UNHEARD], since)

    async def _message(self, message: Message) -> None:
        me = self.places.me
        if me is None:
            return
        await self._find_out(message.channel_id)
        if message.author is not None and message.author.id == me.id and isinstance(message.nonce, str):
            remember(self.ours, message.nonce, message.id)
        said = codec.read_message(self.means.name, message, self._place(message), me, self.means.engages)
        if isinstance(said, Heard):
            wanted = [
                Wanted(name=one.filename, size=one.size, url=one.url, mime_type=one.content_type) for one in said.files
            ]
            event = await with_files(said.event, wanted, self.api.platform, self.means.spool, trusted=self._is_theirs)
            if self.reading.begin(message.channel_id, message.id):
                await self.means.marks.put(MARK, self.reading.kept())
            receipt = await self._receive(event)
            if isinstance(receipt, Stored) and receipt.subscribe and event.thread_id is not None:
                self._to_join.post(event.thread_id)
            self.reading.saw(message.channel_id, message.id)
        elif self.reading.last(message.channel_id) is not None:
            self.reading.saw(message.channel_id, message.id)

    async def join(self) -> Never:
        """Join the threads that an agent has begun to listen to, until cancelled. Nobody waits for it.

        A bot may read open threads all the same; people see that it is there, and Discord tells it of closed ones. One
        that does not exist yet is begun, and so joined, by our answer. What fails is tried with the next message there.
        """
        while True:
            thread = await self._to_join.read()
            if thread in self._joined or not self.places.is_thread(thread):
                continue
            try:
                await self.api.join_thread(thread)
            except (DeliveryError, RefusedError) as exc:
                log.info("discord_thread_not_joined", channel=self.means.name, thread=thread, why=repr(exc))
            else:
                remember(self._joined, thread, None)

    async def _edit(self, message: Message) -> None:
        me = self.places.me
        if me is None:
            return
        revision = codec.read_edit(self.means.name, message, me)
        if not isinstance(revision, Nothing):
            await self._receive(revision)

    async def _deletion(self, deleted: Deleted) -> None:
        # Whoever listens there today: it may have been heard before.
        await self._receive(codec.read_deletion(self.means.name, deleted))

    async def _pressed(self, pressed: Interaction) -> None:
        channel = pressed.channel_id or ""
        event = codec.read_interaction(self.means.name, pressed, self.places.place(channel, pressed.guild_id))
        if isinstance(event, Nothing):
            return
        receipt = await self._receive(event)
        body = pressed_body(receipt.detail if isinstance(receipt, NotHeard) else None)
        try:
            await self.api.answer_press(pressed.id, pressed.token, body)
        except DeliveryError as exc:
            log.info("discord_press_not_answered", channel=self.means.name, why=exc.why)

    async def _catch_up(self, ready: Ready) -> None:
        """A session has begun anew: what was said since the last one in every channel that was read was missed."""
        self._before_gap = {channel: self.reading.last(channel) or "0" for channel in self.reading.places}
        self._awaited, self._since = {guild.id for guild in ready.guilds}, self.reading.since
        # Where there was news last there will be more.
        await self.gaps.add(dict(reversed(self._before_gap.items())))

    async def _look(self, channel: str, since: str) -> Mapping[str, str]:
        """Fetch what was said in a channel after a message."""
        await self._introduced.wait()
        last = since
        for number in range(MOST_PAGES):
            ask = partial(self.api.after, channel, last)
            try:
                missed = await (patiently(ask) if number else ask())
            except RefusedError as exc:
                log.info("discord_channel_gone", channel=self.means.name, place=channel, why=exc.failure.why)
                self.reading.forget(channel)
                return {}
            for message in missed:
                await self._message(message)
            if not missed:
                return {}
            last = missed[-1].id
            await self.gaps.reached(channel, last)
        log.warning("discord_gap_too_long", channel=self.means.name, place=channel, after=last)
        return {}

    async def _find_out(self, channel: str) -> None:
        """What a channel is that nobody has told of, such as a thread that had slept."""
        if self.places.get(channel) is None:
            try:
                self.places.know([await patiently(partial(self.api.channel, channel))])
            except RefusedError as exc:
                log.info("discord_channel_unseen", channel=self.means.name, place=channel, why=exc.failure.why)

    def _place(self, message: Message) -> codec.Place:
        return self.places.place(message.channel_id, message.guild_id)

    def _is_theirs(self, url: str) -> bool:
        base = urlsplit(self.api.platform.base_url)
        return url.startswith((*FILES, f"{base.scheme}://{base.netloc}/"))

"""A bot on Discord as a channel.

A reply to a message that stands in a channel of a server goes to the thread of that message, which is begun if need
be; where there can be none, it goes to the channel and says what it answers. A message is posted under a nonce, by
which Discord knows the second copy, but only for a few minutes. So what is tried again is looked for first: by its
nonce among what the gateway told, and by its words among what was said since the message that it answers. What has
nothing to look from, and is tried again after more than those minutes, may stand there twice; lost it is not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

import trio
from attrs import define, field

from nanoclaw.channels.base import Draft, Health, Outgoing, Receive
from nanoclaw.channels.dialects.discord_markdown import literal, render
from nanoclaw.channels.discord import gateway_state as rules
from nanoclaw.channels.discord.api import GATEWAY, Api, RefusedError, open_api
from nanoclaw.channels.discord.drafts import DraftBoard
from nanoclaw.channels.discord.gateway import Line
from nanoclaw.channels.discord.hearing import Hearing
from nanoclaw.channels.discord.places import Places
from nanoclaw.channels.discord.saying import (
    MOST_CHARACTERS,
    content_of,
    edit_body,
    length,
    message_body,
    nonce_of,
    thread_body,
)
from nanoclaw.channels.live_drafts import LiveDrafts, wants_drafts
from nanoclaw.channels.progress import MARK, Reading, keep
from nanoclaw.channels.reconnect import stay_connected
from nanoclaw.channels.registry import Means
from nanoclaw.channels.remembering import remember
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.parts import Limits, Unit
from nanoclaw.core.speech import Ability, ShowEdit, ShowReaction
from nanoclaw.errors import NobodyThereError
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import Address

ABILITIES = frozenset({Ability.EDIT, Ability.REACTION, Ability.QUESTION, Ability.APPROVAL})
UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, THREAD_IS_THERE = 10003, 10008, 160004
MOST_FILE_BYTES = 10 << 20
"""Of one file; servers that people pay for take more."""


@define(eq=False)
class DiscordChannel:
    """One bot."""

    _means: Means
    threaded: bool = field(default=True, init=False)
    keyed: bool = field(default=True, init=False)
    in_doubt: InDoubt = field(default=InDoubt.SEND_AGAIN, init=False)
    abilities: frozenset[Ability] = field(init=False)
    limits: Limits = field(
        default=Limits(text=MOST_CHARACTERS, unit=Unit.UTF16, files=10, file_bytes=MOST_FILE_BYTES), init=False
    )
    _api: Api | None = field(default=None, init=False)
    _line: Line | None = field(default=None, init=False)
    _places: Places = field(factory=Places, init=False)
    _threadless: set[str] = field(factory=set[str], init=False)
    """Channels in which no thread can be begun."""
    _ours: OrderedDict[str, str] = field(factory=OrderedDict[str, str], init=False)
    _why: str = field(default="not connected yet", init=False)
    _drafts: LiveDrafts = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.abilities = ABILITIES | ({Ability.DRAFT} if wants_drafts(self._means) else frozenset())
        self._drafts = LiveDrafts(self.name, self._means.marks, self._means.clock)

    @property
    def name(self) -> ChannelName:
        """What the channel is called here."""
        return self._means.name

    def measure(self, text: str) -> int:
        """As Discord counts, whether an agent says it or the host."""
        return max(length(render(text)), length(literal(text)))

    def health(self) -> Health:
        """Heard are heartbeats too."""
        return Health(None if self._line is None else self._line.heard, self._why)

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Hear events until cancelled. Connections are made again for as long as it takes."""
        token, url = self._means.settings["token"].strip(), self._means.settings["url"].rstrip("/")
        reading = Reading.of(await self._means.marks.get(MARK))
        async with open_api(self.name, url, token) as platform, trio.open_nursery() as nursery:
            api = Api(platform)
            # What is told before its first connection is not worth the wait of a whole house.
            task_status.started()

            async def live(good: Callable[[], None]) -> None:

                def connected() -> None:
                    good()
                    ready()

                hearing.well = connected
                session = line.state.session
                address = session.resume_url if session is not None else await api.gateway()
                hearing.gaps.begin()
                await line.live(f"{address.rstrip('/')}/{GATEWAY}")

            hearing = Hearing(self._means, api, self._places, reading, receive, self._ours)
            line = Line(self.name, rules.Gateway(token=token), hearing.gaps.run, hearing.offer, hearing.take_in)
            await hearing.gaps.restore()
            self._api, self._line = api, line
            try:
                nursery.start_soon(keep, reading, self._means.marks)
                nursery.start_soon(hearing.join)
                nursery.start_soon(self._drafts.run, DraftBoard(api, self._places, self._where))
                await stay_connected(self.name, live, troubled=self._troubled)
            finally:
                self._api = None

    async def deliver(self, message: Outgoing) -> str | None:
        """Post, change or react. See `Channel.deliver`."""
        api = self._there()
        native = message.native
        try:
            if isinstance(native, ShowEdit):
                content = content_of(message)
                about = native.platform_message_id
                await self._at(message.to, about, lambda where: api.edit_message(where, about, edit_body(content)))
                return about
            if isinstance(native, ShowReaction):
                about, emoji = native.platform_message_id, native.emoji
                await self._at(message.to, about, lambda where: api.react(where, about, emoji))
                return None
            posted = await self._post(api, message)
            self._drafts.said(message.to, message.speaker)
            return posted
        except RefusedError as exc:
            raise exc.failure from None

    async def show_draft(self, draft: Draft) -> None:
        """See `LiveDrafts`."""
        self._drafts.offer(draft)
        await trio.lowlevel.checkpoint()

    async def show_typing(self, to: Address) -> None:
        """Show that somebody writes, in the thread if there is one already."""
        thread = to.thread_id
        await self._there().show_typing(thread if thread and self._places.is_thread(thread) else to.platform_id)

    async def open_direct_messages(self, user: UserId) -> str | None:
        """The conversation with *user*, whom Discord knows by a number."""
        who = user.removeprefix(f"{self.name}:")
        if not who.isdecimal():
            await trio.lowlevel.checkpoint()
            return None
        return (await self._there().open_direct_messages(who)).id

    async def _post(self, api: Api, message: Outgoing) -> str:
        content = content_of(message)
        where = await self._where(api, message.to, message.text)
        nonce = nonce_of(message.key)
        if message.again and (found := self._ours.get(nonce) or await self._find(api, message, where, content)):
            return found
        answers = message.answers if message.answers != where else None
        answers = answers if answers is not None and answers.isdecimal() else None
        posted = await api.create_message(where, message_body(message, content, answers=answers), message.files)
        remember(self._ours, nonce, posted.id)
        return posted.id

    async def _find(self, api: Api, message: Outgoing, where: str, content: str) -> str | None:
        """The message that an earlier attempt posted: ours, with the same words, since the one that it answers."""
        me, since = self._places.me, message.answers
        if me is None or since is None or not since.isdecimal():
            # Without a beginning, the same words may be another message's. Its nonce has to do.
            await trio.lowlevel.checkpoint()
            return None
        others = set(self._ours.values())
        for one in await api.after(where, since):
            mine = one.author is not None and one.author.id == me.id and one.id not in others
            if mine and one.content == content and len(one.attachments) == len(message.files):
                return one.id
        return None

    async def _where(self, api: Api, to: Address, text: str) -> str:
        """The id of the channel or thread to post *text* in."""
        chat, thread = to.platform_id, to.thread_id
        if thread is None or thread == chat:
            await trio.lowlevel.checkpoint()
            return chat
        if self._places.is_thread(thread):
            await trio.lowlevel.checkpoint()
            return thread
        if chat in self._threadless:
            await trio.lowlevel.checkpoint()
            return chat
        try:
            self._places.know([await api.channel(thread)])
            return thread
        except RefusedError:
            pass  # No thread yet: it is begun now.
        try:
            self._places.know([await api.begin_thread(chat, thread, thread_body(text))])
        except RefusedError as exc:
            if exc.code == THREAD_IS_THERE:
                return thread
            if exc.code != UNKNOWN_MESSAGE:
                self._threadless.add(chat)
            return chat
        return thread

    async def _at(self, to: Address, message: str, act: Callable[[str], Awaitable[None]]) -> None:
        """Do something with a message that is in the thread, or in the chat that the thread is of."""
        places = [to.thread_id, to.platform_id] if to.thread_id != message else [to.platform_id]
        found = [place for place in places if place is not None]
        for place in found[:-1]:
            try:
                return await act(place)
            except RefusedError as exc:
                if exc.code not in (UNKNOWN_CHANNEL, UNKNOWN_MESSAGE):
                    raise
        return await act(found[-1])

    def _troubled(self, why: str) -> None:
        self._why = why

    def _there(self) -> Api:
        if self._api is None:
            raise NobodyThereError(channel=self.name)
        return self._api

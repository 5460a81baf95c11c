"""An app in a workspace of Slack as a channel.

Slack's documentation names no key for what is posted. So each message has its key with it, as metadata, and what is
tried again is looked for first, in its thread or since what it answers. Files come without metadata: for them, what
we showed in the same thread under the same names since then, and do not know as another message's, is the one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlsplit

import trio
from attrs import define, field

from nanoclaw.channels.base import Draft, Health, Outgoing, Receive
from nanoclaw.channels.dialects.slack_mrkdwn import literal, render
from nanoclaw.channels.http import open_platform
from nanoclaw.channels.live_drafts import LiveDrafts, wants_drafts
from nanoclaw.channels.progress import MARK, Reading, keep
from nanoclaw.channels.reconnect import stay_connected
from nanoclaw.channels.registry import Means
from nanoclaw.channels.remembering import remember
from nanoclaw.channels.slack import codec, saying
from nanoclaw.channels.slack.api import FILES, URL, Api, RefusedError
from nanoclaw.channels.slack.drafts import DraftBoard
from nanoclaw.channels.slack.hearing import Hearing
from nanoclaw.channels.slack.line import Line
from nanoclaw.channels.slack.objects import Message
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.parts import Limits
from nanoclaw.core.speech import Ability, ShowEdit, ShowReaction
from nanoclaw.errors import DeliveryError, NobodyThereError
from nanoclaw.model.ids import ChannelName, UserId

ABILITIES = frozenset({Ability.EDIT, Ability.REACTION, Ability.QUESTION, Ability.APPROVAL})
LOOK_PAGES = 5
"""Of a look for what may have been posted."""
NO_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format"})
MOST_AGE = 86_400
"""Seconds that are looked back where nothing else says where to begin."""


@define(eq=False)
class SlackChannel:
    """One app."""

    _means: Means
    threaded: bool = field(default=True, init=False)
    keyed: bool = field(default=True, init=False)
    in_doubt: InDoubt = field(default=InDoubt.SEND_AGAIN, init=False)
    abilities: frozenset[Ability] = field(init=False)
    limits: Limits = field(default=Limits(text=saying.MOST_CHARACTERS, files=10, both=False), init=False)
    _api: Api | None = field(default=None, init=False)
    _line: Line | None = field(default=None, init=False)
    _hearing: Hearing | None = field(default=None, init=False)
    _posted: OrderedDict[str, str] = field(factory=OrderedDict[str, str], init=False)
    """The ids of what was posted, by keys; of files, their ids."""
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
        """As it is sent, whether an agent says it or the host."""
        return max(len(render(text)), len(literal(text)))

    def health(self) -> Health:
        """Heard are answers to pings too."""
        return Health(None if self._line is None else self._line.heard, self._why)

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Hear events until cancelled. Connections are made again for as long as it takes."""
        app, bot = (self._means.settings[name].strip() for name in ("app_token", "bot_token"))
        url = self._means.settings["url"].rstrip("/")
        reading = Reading.of(await self._means.marks.get(MARK))
        who = {"authorization": f"Bearer {bot}"}
        async with (
            open_platform(self.name, url, secrets=(app, bot)) as platform,
            open_platform(self.name, files_url(url), headers=who, secrets=(app, bot)) as files,
            trio.open_nursery() as nursery,
        ):
            api = Api(platform, app, bot)
            hearing = Hearing(self._means, api, files, reading, receive)
            line = Line(self.name, hearing.begin, hearing.gaps.run, hearing.offer, hearing.take_in)
            await hearing.gaps.restore()
            # What is told before its first connection is not worth the wait of a whole house.
            task_status.started()

            async def live(good: Callable[[], None]) -> None:
                def connected() -> None:
                    good()
                    ready()

                hearing.well = connected
                await line.live(await api.open_socket())

            self._api, self._line, self._hearing = api, line, hearing
            try:
                nursery.start_soon(keep, reading, self._means.marks)
                nursery.start_soon(self._drafts.run, DraftBoard(api))
                await stay_connected(self.name, live, troubled=self._troubled)
            finally:
                self._api = None

    async def deliver(self, message: Outgoing) -> str | None:
        """Post, change or react. See `Channel.deliver`."""
        api, native = self._there(), message.native
        if isinstance(native, ShowEdit):
            channel, ts = self._about(native.platform_message_id)
            await api.update_message(saying.update(message, channel, ts))
            return native.platform_message_id
        if isinstance(native, ShowReaction):
            channel, ts = self._about(native.platform_message_id)
            await api.react(channel, ts, saying.reaction_name(native.emoji))
            return None
        posted = await (self._share if message.files else self._post)(api, message)
        self._drafts.said(message.to, message.speaker)
        return posted

    async def show_draft(self, draft: Draft) -> None:
        """See `LiveDrafts`."""
        self._drafts.offer(draft)
        await trio.lowlevel.checkpoint()

    async def open_direct_messages(self, user: UserId) -> str | None:
        """The conversation with *user*, if they are of a workspace that we know."""
        _, separator, who = user.removeprefix(f"{self.name}:").partition("-")
        if not separator or not who:
            await trio.lowlevel.checkpoint()
            return None
        return await self._there().open_direct_messages(who)

    async def _post(self, api: Api, message: Outgoing) -> str:
        if message.again and (found := self._posted.get(message.key) or await self._find(api, message)):
            return found
        body = saying.post(message)
        try:
            ts = await api.post_message(body)
        except RefusedError as exc:
            if exc.word not in NO_BLOCKS or "blocks" not in body:
                raise
            ts = await api.post_message(saying.post(message, plainly=True))
        posted = codec.message_id(message.to.platform_id, ts)
        remember(self._posted, message.key, posted)
        return posted

    async def _share(self, api: Api, message: Outgoing) -> str | None:
        key = f"{message.key} files"
        if message.again and (key in self._posted or await self._find_files(api, message)):
            return None
        if message.text:
            await self._post(api, message)
        shown = await api.share(message.to.platform_id, message.to.thread_id, message.files)
        remember(self._posted, key, " ".join(shown))
        return None

    async def _find(self, api: Api, message: Outgoing) -> str | None:
        """The message that an earlier attempt posted: it has our key."""
        for one in await self._since(api, message):
            kept = one.metadata
            if kept is not None and kept.event_type == saying.EVENT and kept.event_payload.get("key") == message.key:
                return codec.message_id(message.to.platform_id, one.ts)
        return None

    async def _find_files(self, api: Api, message: Outgoing) -> bool:
        me = None if self._hearing is None else self._hearing.me
        known = {name for posted in self._posted.values() for name in posted.split()}
        wanted = sorted((file.name, file.size) for file in message.files)
        return any(
            me is not None
            and one.user == me.user_id
            and sorted((file.name or "", file.size) for file in one.files) == wanted
            and not known.intersection(file.id for file in one.files)
            for one in await self._since(api, message)
        )

    async def _since(self, api: Api, message: Outgoing) -> list[Message]:
        to, answers = message.to, codec.read_id(message.answers or "")
        day = f"{int(self._means.clock.now().timestamp()) - MOST_AGE}.000000"
        oldest = answers[1] if answers is not None and answers[0] == to.platform_id else to.thread_id or day
        return await api.after(to.platform_id, to.thread_id, oldest, most=LOOK_PAGES)

    def _about(self, message: str) -> tuple[str, str]:
        found = codec.read_id(message)
        if found is None:
            raise DeliveryError(channel=self.name, why="there is no such message", retryable=False)
        return found

    def _troubled(self, why: str) -> None:
        self._why = why

    def _there(self) -> Api:
        if self._api is None:
            raise NobodyThereError(channel=self.name)
        return self._api


def files_url(url: str) -> str:
    """Where files are, if the API is at *url*: Slack has servers of their own for them."""
    parts = urlsplit(url)
    return FILES if url == URL else f"{parts.scheme}://{parts.netloc}"

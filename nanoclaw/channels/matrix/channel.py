"""A Matrix account as a channel. What it hears is in `hearing.py`; here is what it says.

A homeserver keeps one event for each transaction id of an access token, so a second attempt is the same message. What
is said in an encrypted room would stand there in the open: it is not said.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable
from typing import Any

import structlog
import trio
from attrs import define, evolve, field

from nanoclaw.channels.base import Draft, Health, Outgoing, OutgoingFile, Receive
from nanoclaw.channels.live_drafts import ASKED, LiveDrafts, wants_drafts
from nanoclaw.channels.matrix import codec
from nanoclaw.channels.matrix.api import MatrixApi, code_of, open_api, words
from nanoclaw.channels.matrix.codec import Account
from nanoclaw.channels.matrix.drafts import EVERY_SECONDS, DraftBoard
from nanoclaw.channels.matrix.hearing import Hearing
from nanoclaw.channels.matrix.rooms import Room, is_user, people_of
from nanoclaw.channels.matrix.wire import Content
from nanoclaw.channels.reconnect import Connection
from nanoclaw.channels.registry import Means
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.parts import Limits, Unit
from nanoclaw.core.speech import Ability, ShowEdit, ShowReaction
from nanoclaw.errors import DeliveryError, NobodyThereError
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import Address

log = structlog.get_logger()

MOST_TEXT = 24_000
"""Bytes of text and looks. An event has at most 65,536, and a change says everything twice."""
ABILITIES = frozenset({Ability.EDIT, Ability.REACTION})
DRAFTS = evolve(ASKED, default="no")
"""Not unless somebody wants them: each change is an event that stays, and people see that a message was taken away."""
TYPING_SECONDS = 8.0
BAD_REQUEST = 400


@define(eq=False)
class MatrixChannel:
    """One account."""

    _means: Means
    threaded: bool = field(default=True, init=False)
    keyed: bool = field(default=True, init=False)
    in_doubt: InDoubt = field(default=InDoubt.SEND_AGAIN, init=False)
    abilities: frozenset[Ability] = field(init=False)
    limits: Limits = field(default=Limits(text=MOST_TEXT, unit=Unit.BYTES, files=1, both=False), init=False)
    _api: MatrixApi | None = field(default=None, init=False)
    _user: str | None = field(default=None, init=False)
    _rooms: dict[str, Room] = field(factory=dict[str, Room], init=False)
    _connection: Connection = field(init=False)
    _drafts: LiveDrafts = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.abilities = ABILITIES | ({Ability.DRAFT} if wants_drafts(self._means, DRAFTS) else frozenset())
        self._drafts = LiveDrafts(self.name, self._means.marks, self._means.clock, every=EVERY_SECONDS)

    @_connection.default
    def _make_connection(self) -> Connection:
        return Connection(self.name)

    @property
    def name(self) -> ChannelName:
        """The name that the house knows it by."""
        return self._means.name

    def measure(self, text: str) -> int:
        """Bytes of *text* and of its looks, as JSON has them."""
        return len(json.dumps(codec.text_content(text, speaker=""), ensure_ascii=False).encode())

    def health(self) -> Health:
        """When the server last answered, and what is wrong."""
        return self._connection.health()

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """See `Channel.run`."""

        async def live(heard: Callable[[], None]) -> None:
            self._user = await api.whoami()
            me = Account(channel=self.name, user=self._user)
            await Hearing(api, me, self._means, receive, self._rooms).run(heard)

        async with open_api(self._means) as api, trio.open_nursery() as nursery:
            self._api = api
            try:
                nursery.start_soon(self._drafts.run, DraftBoard(api, self.measure, MOST_TEXT, self._is_encrypted))
                await self._connection.stay(live, ready=ready, task_status=task_status)
            finally:
                self._api = None

    async def deliver(self, message: Outgoing) -> str | None:
        """See `Channel.deliver`. Text and files are an event each; the id is that of the first."""
        api, room = self._expect_api(), message.to.platform_id
        if await self._is_encrypted(api, room):
            why = "the room is encrypted, and there is no encryption here yet: nothing is said in the open"
            raise DeliveryError(channel=self.name, why=why, retryable=False)
        key = message.key.replace("/", ".")
        if isinstance(message.native, ShowReaction):
            reaction = codec.reaction_content(message.native.platform_message_id, message.native.emoji)
            return await self._react(api, room, reaction, key)
        first: str | None = None
        if message.text:
            content = codec.text_content(message.text, speaker=message.speaker)
            if isinstance(message.native, ShowEdit):
                content = codec.edit_content(message.native.platform_message_id, content)
            else:
                content = codec.related(content, thread=message.to.thread_id, answers=message.answers)
            first = await self._say(api, room, content, key)
        for number, file in enumerate(message.files):
            content = codec.related(
                await self._bring(api, file),
                thread=message.to.thread_id,
                answers=message.answers if first is None else None,
            )
            sent = await self._say(api, room, content, f"{key}.file{number}")
            first = first or sent
        if message.native is None:
            self._drafts.said(message.to, message.speaker)
        return first

    async def _say(self, api: MatrixApi, room: str, content: Content, key: str) -> str:
        """Send a message; one whose looks the server refuses is sent once more without them."""
        answer = await api.send(room, codec.MESSAGE, content, key)
        plain = codec.plain_content(content)
        if answer.status == BAD_REQUEST and plain != content:
            log.warning("matrix_looks_refused", channel=self.name, why=words(answer.json))
            answer = await api.send(room, codec.MESSAGE, plain, f"{key}.plain")
        return api.sent(answer)

    async def _react(self, api: MatrixApi, room: str, content: Content, key: str) -> str | None:
        answer = await api.send(room, codec.REACTION, content, key)
        if code_of(answer) == "M_DUPLICATE_ANNOTATION":
            return None  # it is there already
        return api.sent(answer)

    async def _bring(self, api: MatrixApi, file: OutgoingFile) -> dict[str, Any]:
        mime_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        url = await api.upload(file.path, file.size, file.name, mime_type)
        return codec.file_content(file.name, mime_type, file.size, url)

    async def _is_encrypted(self, api: MatrixApi, room: str) -> bool:
        if (known := self._rooms.get(room)) is not None:
            await trio.lowlevel.checkpoint()
            return known.encrypted
        return await api.state(room, "m.room.encryption") is not None

    async def show_draft(self, draft: Draft) -> None:
        """See `LiveDrafts`."""
        self._drafts.offer(draft)
        await trio.lowlevel.checkpoint()

    async def show_typing(self, to: Address) -> None:
        """See `ShowsTyping`."""
        api = self._expect_api()
        if self._user is not None:
            await api.typing(to.platform_id, self._user, TYPING_SECONDS)

    async def open_direct_messages(self, user: UserId) -> str | None:
        """A room with nobody but *user* and us in it, and no encryption; made if there is none."""
        api, other = self._expect_api(), user.removeprefix(f"{self.name}:")
        me = self._user
        if me is None or not is_user(other) or other == me:
            await trio.lowlevel.checkpoint()
            return None
        direct = await api.direct_rooms(me)
        for room in direct.get(other, []):
            if await self._is_only_with(api, room, me, other):
                return room
        made = await api.create_direct(other)
        await api.put_direct_rooms(me, {**direct, other: [*direct.get(other, []), made]})
        return made

    async def _is_only_with(self, api: MatrixApi, room: str, me: str, other: str) -> bool:
        members = await api.members(room)
        if members is None or people_of(members).keys() != {me, other}:
            return False
        return await api.state(room, "m.room.encryption") is None

    def _expect_api(self) -> MatrixApi:
        if self._api is None:
            raise NobodyThereError(channel=self.name)
        return self._api

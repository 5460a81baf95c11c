"""A Telegram bot as a channel: hears by long polling, and shows messages one request at a time.

An update is acknowledged by asking for the next ones, after the house has stored it. Telegram drops no second copy of
a message and shows nobody what was sent, so what may have arrived is decided by the setting `in_doubt`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog
import trio
from attrs import define, evolve, field

from nanoclaw.channels.base import Draft, Health, Outgoing, Receive
from nanoclaw.channels.http import open_platform
from nanoclaw.channels.live_drafts import LiveDrafts, wants_drafts
from nanoclaw.channels.reconnect import stay_connected
from nanoclaw.channels.registry import Means
from nanoclaw.channels.telegram.api import BAD_REQUEST, Api, Outcome, Refused
from nanoclaw.channels.telegram.buttons import keyboard
from nanoclaw.channels.telegram.drafts import DraftBoard, slower
from nanoclaw.channels.telegram.fetching import Fetching
from nanoclaw.channels.telegram.hearing import Heard, Listener, Moved, Nothing
from nanoclaw.channels.telegram.moves import Moves
from nanoclaw.channels.telegram.saying import (
    LIMITS,
    answering,
    card,
    cut,
    measure,
    number_in,
    place,
    without_markup,
    words,
)
from nanoclaw.channels.telegram.wire import BadUpdateError, number_of, read_update
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.parts import Limits
from nanoclaw.core.speech import Ability, ShowCard, ShowEdit, ShowQuestion, ShowReaction
from nanoclaw.errors import DeliveryError, NobodyThereError
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import Address, InboundEvent

log = structlog.get_logger()

ABILITIES = frozenset({Ability.EDIT, Ability.REACTION, Ability.CARD, Ability.QUESTION, Ability.APPROVAL})


@define(eq=False)
class TelegramChannel:
    """One bot."""

    _means: Means
    in_doubt: InDoubt
    name: ChannelName = field(init=False)
    threaded: bool = field(default=True, init=False)
    keyed: bool = field(default=False, init=False)
    abilities: frozenset[Ability] = field(init=False)
    limits: Limits = field(default=LIMITS, init=False)
    _moves: Moves = field(init=False)
    _api: Api | None = field(default=None, init=False)
    """None: it does not run."""
    _health: Health = field(default=Health(None, "it has not connected yet"), init=False)
    _fetching: Fetching = field(init=False)
    _drafts: LiveDrafts = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.name = self._means.name
        self.abilities = ABILITIES | ({Ability.DRAFT} if wants_drafts(self._means) else frozenset())
        self._moves = Moves(self._means.marks)
        self._fetching = Fetching(self._means)
        self._drafts = LiveDrafts(self.name, self._means.marks, self._means.clock, slower=slower)

    def measure(self, text: str) -> int:
        """See `HasLimits`."""
        return measure(text)

    def health(self) -> Health:
        """See `TellsHealth`."""
        return self._health

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Hear updates until cancelled. Raises `StoreError` from *receive*; Telegram will tell the same again."""
        settings = self._means.settings
        token = settings["token"]
        await self._moves.load()
        async with (
            open_platform(self.name, settings["url"], secrets=(token,), clock=self._means.clock) as platform,
            trio.open_nursery() as nursery,
        ):
            self._api = Api(platform, token)
            try:
                task_status.started()
                nursery.start_soon(self._drafts.run, DraftBoard(self._api, self._moves))
                live = partial(self._live, self._api, receive, ready)
                await stay_connected(self.name, live, troubled=self._troubled)
            finally:
                self._api = None

    async def deliver(self, message: Outgoing) -> str | None:
        """See `Channel`. The id is that of the last message that it took: of a question, the one with the buttons."""
        chat = self._moves.reached(message.to.platform_id)
        if chat is None:
            raise self._error(f"{message.to.platform_id!r} is no id of a chat")
        shown = await self._show(message, chat)
        if not isinstance(message.native, ShowEdit | ShowReaction):
            self._drafts.said(message.to, message.speaker)
        return shown

    async def _show(self, message: Outgoing, chat: int) -> str | None:
        match message.native:
            case ShowEdit(platform_message_id=edited):
                return await self._edit(message, chat, edited)
            case ShowReaction(platform_message_id=about, emoji=emoji):
                return await self._react(message, chat, about, emoji)
            case ShowCard(title=title, description=description):
                return await self._say(message, chat, card(title, description))
            case ShowQuestion() as asked if (rows := keyboard(asked)) is not None:
                text = card(asked.title, asked.text) if message.speaker else f"{asked.title}\n{asked.text}".strip()
                return await self._say(message, chat, text, {"reply_markup": {"inline_keyboard": rows}})
            case _ if message.files:
                return await self._send_files(message, chat)
            case _:
                return await self._say(message, chat, message.text)

    async def show_draft(self, draft: Draft) -> None:
        """See `LiveDrafts`."""
        self._drafts.offer(draft)
        await trio.lowlevel.checkpoint()

    async def show_typing(self, to: Address) -> None:
        """See `ShowsTyping`."""
        chat = self._moves.reached(to.platform_id)
        if chat is None or self._api is None:
            raise NobodyThereError(channel=self.name)
        await self._api.call("sendChatAction", {**place(to, chat), "action": "typing"}, route=f"typing:{chat}")

    async def open_direct_messages(self, user: UserId) -> str | None:
        """A chat with a person has the person's id; they have to have written to us once."""
        await trio.lowlevel.checkpoint()
        channel, _, person = user.partition(":")
        return person if channel == self.name and person.isdecimal() else None

    async def _live(self, api: Api, receive: Receive, ready: Callable[[], None], well: Callable[[], None]) -> None:
        try:
            me = await api.me()
        except BadUpdateError as exc:
            raise self._error(f"what answers there is no Bot API: {exc}", retryable=True) from exc
        listener = Listener(name=self.name, me=me, engages=self._means.engages, chat_called=self._moves.called)
        well()
        self._health = Health(trio.current_time())
        ready()
        after: int | None = None
        async with trio.open_nursery() as nursery:
            while True:
                updates = await api.updates(after)
                self._health = Health(trio.current_time())
                for update in updates:
                    number = number_of(update)
                    await self._hear(api, listener, update, receive, nursery)
                    after = number if number is not None else after

    async def _hear(self, api: Api, listener: Listener, update: Any, receive: Receive, nursery: trio.Nursery) -> None:
        """One update, to its end. One that makes no sense is said and left out: others wait behind it."""
        await trio.lowlevel.checkpoint()
        try:
            read = read_update(update)
            meaning = listener.hear(read)
        except (BadUpdateError, ValueError) as exc:
            log.warning("update_refused", channel=self.name, update=number_of(update), why=str(exc))
            return
        match meaning:
            case Heard(told=told, files=files):
                if isinstance(told, InboundEvent) and files:
                    told = await self._fetching.with_files(api, told, files, read.update_id)
                await receive(told)
            case Moved(before=before, now=now):
                log.info("chat_moved", channel=self.name, before=before, now=now)
                await self._moves.note(before, now)
                return
            case Nothing(why=why):
                log.debug("update_left_out", channel=self.name, update=read.update_id, why=why)
        if meaning.pressed is not None:
            nursery.start_soon(self._release, api, meaning.pressed)

    async def _release(self, api: Api, query: str) -> None:
        """Let a button stop spinning, which nobody waits for."""
        try:
            await api.ask("answerCallbackQuery", {"callback_query_id": query}, route="buttons")
        except DeliveryError as exc:
            log.debug("button_not_released", channel=self.name, why=str(exc))

    async def _say(self, message: Outgoing, chat: int, text: str, last: Mapping[str, Any] | None = None) -> str | None:
        """Send *text*; *last* goes with its end, such as buttons."""
        pieces = cut(message, text)
        sent = None
        for number, piece in enumerate(pieces, start=1):
            body = {**place(message.to, chat), **answering(message, chat), **words(message, piece)}
            if last is not None and number == len(pieces):
                body |= last
            sent = await self._send("sendMessage", body, piece, chat)
        return sent

    async def _send_files(self, message: Outgoing, chat: int) -> str | None:
        sent = await self._say(message, chat, message.text) if message.text.strip() else None
        for file in message.files:
            fields = {**place(message.to, chat), **answering(message, chat)}
            outcome = await self._running.send_file(fields, file, route=f"chat:{chat}")
            if isinstance(outcome, Refused) and outcome.moved_to is not None:
                await self._moves.note(chat, outcome.moved_to)
                raise self._error("the group has become a supergroup", retryable=True)
            sent = self._id(outcome) or sent
        return sent

    async def _edit(self, message: Outgoing, chat: int, edited: str) -> str | None:
        number = number_in(edited, chat)
        if number is None:
            raise self._error("the message that it changes is in no chat that is known any more")
        first, *more = cut(message, message.text)
        # Without a keyboard of its own, the buttons go: what was decided is decided.
        body = {"chat_id": chat, "message_id": number, **words(message, first)}
        await self._send("editMessageText", body, first, chat)
        for piece in more:
            await self._send("sendMessage", {**place(message.to, chat), **words(message, piece)}, piece, chat)
        return edited

    async def _react(self, message: Outgoing, chat: int, about: str, emoji: str) -> str | None:
        number = number_in(about, chat)
        if number is not None:
            reaction = [{"type": "emoji", "emoji": emoji}]
            body = {"chat_id": chat, "message_id": number, "reaction": reaction}
            outcome = await self._running.ask("setMessageReaction", body, route=f"chat:{chat}")
            if not isinstance(outcome, Refused):
                return None
            if outcome.status != BAD_REQUEST:
                raise outcome.error
        # Only some emoji can be reactions; the others can be said.
        return await self._say(evolve(message, native=None, answers=about), chat, emoji)

    async def _send(self, method: str, body: dict[str, Any], text: str, chat: int) -> str | None:
        """Ask for it; once more if the group has moved, and once more without markup that Telegram cannot read."""
        route = f"chat:{chat}"
        outcome = await self._running.ask(method, body, route=route)
        if isinstance(outcome, Refused) and outcome.moved_to is not None:
            await self._moves.note(chat, outcome.moved_to)
            body = {**body, "chat_id": outcome.moved_to}
            outcome = await self._running.ask(method, body, route=route)
        if isinstance(outcome, Refused) and outcome.status == BAD_REQUEST:
            if "message is not modified" in outcome.words:
                return None
            if "can't parse entities" in outcome.words:
                outcome = await self._running.ask(method, without_markup(body, text), route=route)
        return self._id(outcome)

    def _id(self, outcome: Outcome) -> str | None:
        if isinstance(outcome, Refused):
            raise outcome.error
        match outcome:
            case {"message_id": int(number), "chat": {"id": int(chat)}}:
                return f"{chat}/{number}"
            case _:
                return None

    @property
    def _running(self) -> Api:
        if self._api is None:
            raise NobodyThereError(channel=self.name)
        return self._api

    def _troubled(self, why: str) -> None:
        self._health = evolve(self._health, why=why)

    def _error(self, why: str, *, retryable: bool = False) -> DeliveryError:
        return DeliveryError(channel=self.name, why=why, retryable=retryable)

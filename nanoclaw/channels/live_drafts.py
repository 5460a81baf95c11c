"""Replies that are being written, as messages that grow: one for each, changed once a second at most, and then gone.

The reply itself is another message, which takes delivery's way as if there were no draft: nothing here holds it up,
fails it or is looked for when it is tried again. Once it stands there, the draft is taken away. What a host left that
died is taken away by the next one: it is in the marks before it is on the platform.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from math import inf
from typing import Never, Protocol, TypeAlias

import structlog
import trio
from attrs import asdict, define, evolve, field, frozen

from nanoclaw.channels.base import Draft, Marks
from nanoclaw.channels.reading import UnfitError, read
from nanoclaw.channels.registry import Asked, Means, is_yes
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.ids import mint
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address

log = structlog.get_logger()

Reply: TypeAlias = tuple[str, str]
"""An agent's name, and what its runner calls the reply: two runners may choose the same."""

MARK = "drafts"
EVERY_SECONDS = 1.2
FIRST_SECONDS = 2.0
"""A reply that takes no longer needs no draft."""
PATIENCE_SECONDS = 90.0
"""A draft that nobody goes on with for so long is taken away."""
MOST_REMEMBERED = 500
LONGEST_PAUSE = 60.0
MOST_AT_ONCE = 20
"""Drafts on one channel; what is written besides is seen when it is done."""
WRITING = " ✍️"
"""Behind each draft; no reply ends like that, so that none is taken for a draft, nor a draft for one."""


ASKED = Asked(name="drafts", question="Show replies while they are written (yes or no)?", default="yes")
"""The setting that turns them off."""


def wants_drafts(means: Means, asked: Asked = ASKED) -> bool:
    """Does that channel show them? Raises `UsageError`."""
    return is_yes(means.settings, asked)


def fitting(text: str, most: int, measure: Callable[[str], int]) -> str:
    """As much of the beginning of *text* as fits."""
    while measure(text) > most:
        text = text[: len(text) * 3 // 4]
    return text


@frozen(kw_only=True)
class Shown:
    """A draft that stands on the platform, or may."""

    key: str
    """What it can be found by, if nobody knows its id."""
    chat: str
    thread: str | None
    text: str
    """As it was first."""
    begun: int
    """When, in seconds of the era."""
    id: str | None = None

    def at(self, channel: ChannelName) -> Address:
        """Where it is."""
        return Address(channel=channel, platform_id=self.chat, thread_id=self.thread)


class Board(Protocol):
    """How a platform shows drafts. All raise `DeliveryError` where it does not."""

    async def post(self, to: Address, key: str, text: str) -> str:
        """Show *text*; returns the message's id."""
        ...

    async def change(self, to: Address, message: str, text: str) -> None:
        """Show *text* instead."""
        ...

    async def remove(self, to: Address, message: str) -> None:
        """Take it away; it is no trouble if it is gone."""
        ...

    async def find(self, shown: Shown) -> str | None:
        """The id of a draft that may have been posted."""
        ...


@define(eq=False)
class _Writing:
    latest: Draft
    since: float
    news: float
    shown: Shown | None = None
    text: str = ""
    """What stands there now."""
    next: float = 0.0


@define(eq=False)
class _Removal:
    shown: Shown
    tries: int = 0
    next: float = 0.0


@define(eq=False)
class LiveDrafts:
    """All drafts of one channel. `run` shows them; nothing else here blocks."""

    _channel: ChannelName
    _marks: Marks
    _clock: Clock
    every: float = EVERY_SECONDS
    first: float = FIRST_SECONDS
    slower: Callable[[Address], float] = field(default=lambda _: 0.0, kw_only=True)
    """Seconds that have to lie between two changes at a place, if they are more."""
    _writing: dict[Reply, _Writing] = field(factory=dict[Reply, _Writing], init=False)
    _done: OrderedDict[Reply, None] = field(factory=OrderedDict[Reply, None], init=False)
    """Replies that are there: what is told of them late is left out."""
    _to_remove: dict[str, _Removal] = field(factory=dict[str, _Removal], init=False)
    _moved: trio.Event = field(factory=trio.Event, init=False)

    def offer(self, draft: Draft) -> None:
        """So far is a reply."""
        now, reply = trio.current_time(), (draft.speaker, draft.reply)
        there = self._writing.get(reply)
        if there is not None:
            there.latest, there.news = draft, now
        elif reply not in self._done and len(self._writing) < MOST_AT_ONCE:
            self._writing[reply] = _Writing(draft, since=now, news=now, next=now + self.first)
        self._moved.set()

    def said(self, to: Address, speaker: str | None) -> None:
        """Something was said there for good: what that agent was writing there is no more. The host writes nothing."""
        for reply, one in list(self._writing.items()):
            if (one.latest.to, one.latest.speaker) == (to, speaker):
                self._end(reply)

    async def run(self, board: Board) -> Never:
        """Show them until cancelled, beginning with taking away what an earlier life left.

        Cancellation: what stands on the platform stays until the next life.
        """
        self._writing.clear()
        for shown in await self._left():
            self._to_remove[shown.key] = _Removal(shown)
        while True:
            self._moved = trio.Event()
            now = trio.current_time()
            for reply, one in list(self._writing.items()):
                if now - one.news > PATIENCE_SECONDS:
                    self._end(reply)
            await self._remove_all(board)
            for reply, one in list(self._writing.items()):
                if now >= one.next and one.latest.text.strip() and one.latest.text != one.text:
                    await self._show(board, reply, one)
            due = [one.next for one in self._writing.values() if one.latest.text != one.text]
            due += [one.next for one in self._to_remove.values()]
            pause = min(max(min(due, default=inf) - trio.current_time(), 0.05), PATIENCE_SECONDS)
            with trio.move_on_after(pause):
                await self._moved.wait()
            await trio.lowlevel.checkpoint()

    def _end(self, reply: Reply) -> None:
        one = self._writing.pop(reply)
        self._done[reply] = None
        if len(self._done) > MOST_REMEMBERED:
            self._done.popitem(last=False)
        if one.shown is not None:
            self._to_remove[one.shown.key] = _Removal(one.shown)
        self._moved.set()

    async def _show(self, board: Board, reply: Reply, one: _Writing) -> None:
        text, to = one.latest.text, one.latest.to
        one.next = trio.current_time() + max(self.every, self.slower(to))
        try:
            if one.shown is None:
                # Of its own: a reply that goes on after a restart has another draft.
                key, begun = mint(f"draft {reply[1]}"), int(self._clock.now().timestamp())
                one.shown = Shown(key=key, chat=to.platform_id, thread=to.thread_id, text=text, begun=begun)
                await self._keep()
                one.shown = evolve(one.shown, id=await board.post(to, key, text + WRITING))
                if one.shown.key in self._to_remove:  # it was said meanwhile
                    self._to_remove[one.shown.key] = _Removal(one.shown)
                await self._keep()
            elif one.shown.id is not None:
                await board.change(to, one.shown.id, text + WRITING)
        except DeliveryError as exc:
            log.info("draft_not_shown", channel=self._channel, why=exc.why)
            one.next = max(one.next, trio.current_time() + (exc.retry_after or 0.0))
            if exc.retry_after is not None and not exc.reached and one.shown is not None and one.shown.id is None:
                one.shown = None  # it is not there for certain, and may be later
                await self._keep()
            return
        one.text = text

    async def _remove_all(self, board: Board) -> None:
        for key, one in list(self._to_remove.items()):
            if trio.current_time() < one.next:
                continue
            try:
                found = one.shown.id or await board.find(one.shown)
                if found is not None:
                    await board.remove(one.shown.at(self._channel), found)
            except DeliveryError as exc:
                if exc.retryable:
                    one.tries += 1
                    pause = max(min(2.0**one.tries, LONGEST_PAUSE), exc.retry_after or 0.0)
                    one.next = trio.current_time() + pause
                    continue
                log.warning("draft_not_removed", channel=self._channel, why=exc.why)
            del self._to_remove[key]
            await self._keep()

    async def _left(self) -> list[Shown]:
        kept = await self._marks.get(MARK)
        try:
            return [] if kept is None else read(list[Shown], json.loads(kept))
        except (UnfitError, ValueError):
            return []

    async def _keep(self) -> None:
        there = [one.shown for one in self._to_remove.values()]
        there += [one.shown for one in self._writing.values() if one.shown is not None]
        await self._marks.put(MARK, json.dumps([asdict(one) for one in there]))

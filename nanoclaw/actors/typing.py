"""Chats see that an agent works on a message from there: a pulse every few seconds, on channels that can show it.

A courtesy like drafts: nothing here may hold anything up, fail it, or be missed. Where an agent's work came from is
read once for each change of it, and no pulse costs a question to the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Never

import structlog
import trio
from attrs import define, field, frozen

from nanoclaw.channels.base import Channel, ShowsTyping
from nanoclaw.core.signals import Progress, Working
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.model.ids import ChannelName, InboundId, SessionId
from nanoclaw.model.messages import Address
from nanoclaw.store.db import Store
from nanoclaw.store.ledger import Lane
from nanoclaw.store.places import places_of

log = structlog.get_logger()

PULSE_SECONDS = 4.0
"""Platforms show it for five seconds or so."""
AFTER_WORDS_SECONDS = 10.0
"""How long a chat in which an agent has just spoken is not shown that it types: mostly it was all it had to say."""
SHOW_SECONDS = 3.0
"""A channel that has not shown it by then is left to the next pulse."""


@frozen
class _Work:
    claims: frozenset[InboundId]
    places: frozenset[Address]


@define(eq=False)
class Typing:
    """Who works on what, and where that is shown."""

    _store: Store
    _channels: Mapping[ChannelName, Channel]
    _progress: Callable[[SessionId], Progress | None]
    """How a session's work goes; None: it has no sandbox."""
    _news: dict[SessionId, frozenset[InboundId]] = field(factory=dict[SessionId, frozenset[InboundId]], init=False)
    _work: dict[SessionId, _Work] = field(factory=dict[SessionId, _Work], init=False)
    _not_before: dict[Address, float] = field(factory=dict[Address, float], init=False)
    """When a chat may be shown it again."""
    _spoke: dict[Lane, float] = field(factory=dict[Lane, float], init=False)
    """Until when an agent's words are new in a chat."""
    _mail: Mailbox[SessionId] = field(factory=Mailbox[SessionId], init=False)

    def look(self, session: SessionId, claims: Collection[InboundId]) -> None:
        """A session's agent works on these messages now. Never blocks, and costs nothing where no channel shows it."""
        known = self._work.get(session)
        now = frozenset(claims)
        if now == (known.claims if known is not None else frozenset()) and session not in self._news:
            return
        if any(isinstance(channel, ShowsTyping) for channel in self._channels.values()):
            self._news[session] = now
            self._mail.post(session)

    def said(self, lanes: Iterable[Lane]) -> None:
        """An agent has said something in these chats. Never blocks."""
        if self._work:
            until = trio.current_time() + AFTER_WORDS_SECONDS
            self._spoke |= dict.fromkeys(lanes, until)

    async def run(self) -> Never:
        """Pulse until cancelled. While nobody works, it sleeps."""
        async with trio.open_nursery() as nursery:
            while True:
                with trio.move_on_after(PULSE_SECONDS if self._work else float("inf")):
                    await self._mail.read_all()
                await self._take_news()
                for place in self._due(trio.current_time()):
                    nursery.start_soon(self._show, place)

    async def _take_news(self) -> None:
        await trio.lowlevel.checkpoint()
        while self._news:
            session, claims = self._news.popitem()
            if not claims:
                self._work.pop(session, None)
                continue
            try:
                places = await self._store.read(places_of, claims)
            except Exception as exc:
                log.info("typing_not_shown", session=session, why=repr(exc))
                continue
            self._work[session] = _Work(claims, frozenset(places))

    def _due(self, now: float) -> list[Address]:
        """Where it is to be shown at this moment."""
        self._spoke = {lane: until for lane, until in self._spoke.items() if until > now}
        self._not_before = {place: at for place, at in self._not_before.items() if at > now}
        places: set[Address] = set()
        for session, work in list(self._work.items()):
            progress = self._progress(session)
            if progress is None:
                del self._work[session]  # its sandbox is gone; the next one says what it works on
            elif isinstance(progress, Working):
                places |= work.places
        found = [place for place in places if place not in self._not_before and _lane(place) not in self._spoke]
        # A little less than the time to the next pulse, which shall find it over.
        self._not_before |= dict.fromkeys(found, now + PULSE_SECONDS * 0.75)
        return found

    async def _show(self, place: Address) -> None:
        channel: object = self._channels.get(place.channel)
        if not isinstance(channel, ShowsTyping):
            await trio.lowlevel.checkpoint()
            return
        try:
            with trio.move_on_after(SHOW_SECONDS):
                await channel.show_typing(place)
        except Exception as exc:
            log.debug("typing_not_shown", channel=place.channel, why=repr(exc))


def _lane(place: Address) -> Lane:
    return Lane(place.channel, place.platform_id)

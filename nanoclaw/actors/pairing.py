"""Codes by which people on a channel become owners: made for the command line, taken where events come in.

They are kept in memory and nowhere else, so they end with the host.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from secrets import randbelow

import structlog
import trio
from attrs import define, field

from nanoclaw.actors.acts import Act
from nanoclaw.channels.base import NotHeard, Receipt, Stored
from nanoclaw.core.pairing import DIGITS, LIFETIME, Code, Guessed, NoCode, Paired, judge
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.ids import mint
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address, InboundEvent
from nanoclaw.store import pairing
from nanoclaw.store.db import Store
from nanoclaw.store.ledger import Lane
from nanoclaw.store.people import NOBODY, rights_of

log = structlog.get_logger()


def lucky_digits() -> str:
    """Four digits that nobody can know."""
    return f"{randbelow(10**DIGITS):0{DIGITS}}"


@define(eq=False)
class Pairing:
    """The codes that wait, at most one for each channel."""

    _store: Store
    _clock: Clock
    _channels: Container[ChannelName]
    _like: Address
    """Whoever hears this chat hears that of a new owner."""
    _nudge: Callable[[Iterable[Lane]], None]
    _changed: Callable[[], None]
    """Told when there is a new owner."""
    _luck: Callable[[], str] = field(default=lucky_digits, kw_only=True)
    _mint: Callable[[str], str] = field(default=mint, kw_only=True)
    _codes: dict[ChannelName, Code] = field(factory=dict[ChannelName, Code], init=False)

    @property
    def looks(self) -> dict[str, Callable[[Mapping[str, object]], Awaitable[object]]]:
        """What the command line may ask of it."""
        return {"channels pair": Act(self.begin, on=("channel",))}

    async def begin(self, asked: Mapping[str, object]) -> object:
        """Make a code for a channel; the one before it is forgotten.

        Raises:
          UsageError: the host has no such channel, or nobody needs to be paired there.
        """
        await trio.lowlevel.checkpoint()
        name = ChannelName(str(asked.get("channel") or ""))
        if name == self._like.channel:
            raise UsageError(f"whoever sits at the {name} owns this home already")
        if name not in self._channels:
            raise UsageError(f"the host has no channel {name!r}: add it first, and look with nanoclaw tree")
        code = Code(channel=name, digits=self._luck(), expires_at=self._clock.now() + LIFETIME)
        self._codes[name] = code
        log.info("pairing_begins", channel=name, expires_at=code.expires_at.isoformat())
        return {"channel": name, "code": code.digits, "minutes": LIFETIME.total_seconds() / 60}

    def waits(self, event: InboundEvent) -> bool:
        """May *event* be about a code? Never blocks."""
        return event.channel in self._codes and not isinstance(self._judge(event), NoCode)

    async def take(self, event: InboundEvent) -> Receipt | None:
        """What came of *event*; None: it is a message like any other.

        Raises:
          StoreError: it is not stored, and the same message is good once more.

        Cancellation: leaves open whether it was stored; the same message is good once more.
        """
        known = await self._store.read(rights_of, event.sender_id) != NOBODY
        # Judged and kept without a pause, so that no two are the first, and no guess is free.
        meaning = self._judge(event)
        match meaning:
            case Paired(code=code):
                self._codes[event.channel] = code
                lanes = await self._store.transact(
                    pairing.pair, event, like=self._like, mint=self._mint, now=self._clock.now()
                )
                log.info("paired", channel=event.channel, user=event.sender_id)
                self._nudge(lanes)
                self._changed()
                return Stored()
            case Guessed(code=left) if not known:
                if left is None:
                    del self._codes[event.channel]
                    log.warning("pairing_ends", channel=event.channel, why="too many wrong codes")
                else:
                    self._codes[event.channel] = left
                await self._store.transact(pairing.guessed, event, now=self._clock.now())
                return NotHeard("wrong-code", "it is not the code that is waited for")
            case _:
                return None  # somebody who has rights says a number, and may

    def _judge(self, event: InboundEvent) -> Paired | Guessed | NoCode:
        return judge(event, self._codes.get(event.channel), now=self._clock.now())

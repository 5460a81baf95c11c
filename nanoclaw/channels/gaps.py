"""Looking through what was missed, place by place, while live events flow.

What comes live in a place that was not looked through yet is put aside until it was: so the order of a place is kept,
and how far it was read never runs ahead of what is missing there. A place that cannot be looked through for too long
gives way: what is live there is heard, and what is missing is told later. What is still to be looked through is a mark
before anything is told that came later, so a host that dies in the middle goes on with it.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Never, TypeAlias

import structlog
import trio
from attrs import define, evolve, field, frozen

from nanoclaw.channels.base import Marks
from nanoclaw.channels.progress import parsed
from nanoclaw.core.gaps import After, Gap, GiveWay, Look, failed, following, gate, overdue, shut
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import ChannelName

log = structlog.get_logger()

MARK = "gaps"
"""The mark that they are kept as."""
MOST_HELD = 1_000
"""Live events that wait; then what comes next has to wait for them."""

Take: TypeAlias = Callable[[], Awaitable[None]]
"""Takes in one live event; returns when it is safe."""
LookThrough: TypeAlias = Callable[[str, str], Awaitable[Mapping[str, str]]]
"""Takes in what was said in a place after a message; returns further places to look through, found on the way, and
after what. Raises `DeliveryError`: it is tried again later, or left if that would not help."""


@frozen
class _Held:
    places: Sequence[str]
    take: Take


@define(eq=False)
class GapLooks:
    """All gaps of one channel, over all its connections."""

    _channel: ChannelName
    _marks: Marks
    _look: LookThrough
    _gaps: dict[str, Gap] = field(factory=dict[str, Gap], init=False)
    _held: dict[str, deque[_Held]] = field(factory=dict[str, deque[_Held]], init=False)
    _waiting: int = field(default=0, init=False)
    _releasing: trio.Lock = field(factory=trio.Lock, init=False)
    """What has waited is taken in by one task at a time, or its order would not be kept."""
    _moved: trio.Event = field(factory=trio.Event, init=False)

    @property
    def closed(self) -> bool:
        """Is nothing left to be looked through?"""
        return not self._gaps

    def late(self, place: str) -> str | None:
        """The message after which *place* is looked through though it gave way; None: it did not, or it is over."""
        gap = self._gaps.get(place)
        return None if gap is None or not gap.gave_way else gap.last

    async def restore(self) -> None:
        """Take up what an earlier life has left."""
        self._gaps = {place: Gap(last=last) for place, last in parsed(await self._marks.get(MARK)).items()}

    async def add(self, places: Mapping[str, str]) -> None:
        """Look through *places* too, each after the message that stands beside it; kept when this returns.

        What is still open since an earlier gap stays so from where that began.
        """
        new = {place: Gap(last=last) for place, last in places.items() if place not in self._gaps}
        if new:
            self._gaps |= new
            await self._keep()
            self._move()

    def begin(self) -> None:
        """A new connection: what was put aside from the last one is told again, or is found by a look."""
        self._held.clear()
        self._waiting = 0

    async def offer(self, places: Sequence[str], take: Take) -> None:
        """Take in a live event that belongs to *places*, the widest first; or put it aside until it may be."""
        while self._waiting >= MOST_HELD:
            await self._moved.wait()
        match gate(self._shut(), places):
            case After(place):
                self._put_aside(place, _Held(places, take))
                await trio.lowlevel.checkpoint()
            case _:
                await take()

    async def run(self) -> Never:
        """Look through what there is until cancelled; once in each connection.

        Cancellation: what was not looked through is, in the next connection or the next life.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._give_way)
            while True:
                moved = self._moved
                match following(self._gaps, trio.current_time()):
                    case Look(place):
                        await self._one(place)
                    case rest:
                        with trio.move_on_after(rest.seconds):
                            await moved.wait()

    async def reached(self, place: str, last: str) -> None:
        """So far *place* was looked through: the next look, if this one fails, begins there."""
        if place in self._gaps:
            self._gaps[place] = evolve(self._gaps[place], last=last)
            await self._keep()

    async def _give_way(self) -> Never:
        while True:
            moved = self._moved
            match overdue(self._gaps, trio.current_time()):
                case GiveWay(place):
                    log.warning("gap_gives_way", channel=self._channel, place=place)
                    self._gaps[place] = evolve(self._gaps[place], gave_way=True)
                    async with self._releasing:
                        await self._release(place)
                case rest:
                    with trio.move_on_after(rest.seconds):
                        await moved.wait()

    async def _one(self, place: str) -> None:
        try:
            found = await self._look(place, self._gaps[place].last)
        except DeliveryError as exc:
            if exc.retryable:
                # To be told to wait is usual, and told of many places at once.
                tell = log.warning if exc.retry_after is None else log.debug
                tell("gap_not_looked_through", channel=self._channel, place=place, why=exc.why)
                self._gaps[place] = failed(self._gaps[place], trio.current_time(), exc.retry_after)
                return
            log.warning("gap_left", channel=self._channel, place=place, why=exc.why)
            found = {}
        await self.add(found)
        async with self._releasing:
            await self._release(place)
            del self._gaps[place]
        if not self._gaps:
            await self._keep()
        self._move()

    async def _release(self, place: str) -> None:
        """Take in what has waited for *place*, in its order; what comes meanwhile waits behind it."""
        while waiting := self._held.get(place):
            held = waiting[0]
            match gate(self._shut() - {place}, held.places):
                case After(other):
                    self._put_aside(other, held)
                case _:
                    await held.take()
            waiting.popleft()
            self._waiting -= 1
            self._move()
        self._held.pop(place, None)

    def _shut(self) -> frozenset[str]:
        """Where somebody waits already, nobody goes ahead of them."""
        return shut(self._gaps) | self._held.keys()

    def _put_aside(self, place: str, held: _Held) -> None:
        gap = self._gaps[place]
        self._waiting += 1
        self._held.setdefault(place, deque()).append(held)
        self._gaps[place] = evolve(gap, wanted=min(gap.wanted, trio.current_time()))
        self._move()

    async def _keep(self) -> None:
        await self._marks.put(MARK, json.dumps({place: gap.last for place, gap in self._gaps.items()}))

    def _move(self) -> None:
        self._moved.set()
        self._moved = trio.Event()

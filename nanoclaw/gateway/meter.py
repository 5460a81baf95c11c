"""How much one sandbox has asked for, and whether it may ask for more."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import trio
from attrs import define, field

from nanoclaw.gateway.spending import MINUTE, Spent
from nanoclaw.gateway.splice import Stopped, nothing
from nanoclaw.model.egress import EgressLimits
from nanoclaw.model.sandbox import MIB

MOST_BODIES = 4
"""Of one sandbox, that are held whole while it is found out whether they may go on; further ones are not heard yet."""

PARTS, LEAST_PART = 256, 64 << 10
"""The host hears of each such part of all that may move: so much more than that moves where a process dies."""
MOST_REFUSED = 20
"""Refusals of one sandbox that it can read again."""
LONGEST_REFUSED = 600
"""Characters of one."""


@define(eq=False)
class Body:
    """One that is held whole, in a place of its own until it has gone on."""

    _places: trio.Semaphore
    data: bytes = b""
    _held: bool = field(default=True, init=False)

    def free(self) -> None:
        """It is needed no longer. May be repeated."""
        if self._held:
            self._held, self.data = False, b""
            self._places.release()


@define(eq=False)
class Meter:
    """Counts for as long as a sandbox lives."""

    limits: EgressLimits
    _clock: Callable[[], float] = trio.current_time
    _before: Spent = field(default=Spent())
    """By the same sandbox, through a process that was here before."""
    _say: Callable[[int], None] = nothing
    """Told how many bytes have moved, from time to time."""
    _bodies: trio.Semaphore = field(factory=lambda: trio.Semaphore(MOST_BODIES), init=False)
    """A place for each body that is held whole."""
    _refused: deque[str] = field(factory=lambda: deque[str](maxlen=MOST_REFUSED), init=False)
    _asked: deque[float] = field(factory=deque[float], init=False)
    _bytes: int = field(default=0, init=False)
    _said: int = field(default=0, init=False)
    _told_at: float | None = field(default=None, init=False)
    _untold: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._bytes = self._said = self._before.moved
        now = self._clock()
        self._asked.extend(now - ago for ago in self._before.asked)

    async def hold(self) -> Body:
        """Wait for a place for a body."""
        await self._bodies.acquire()
        return Body(self._bodies)

    def refuse(self, place: str, why: str) -> None:
        """Keep what was refused, for the sandbox to read."""
        self._refused.append(f"{place}: {why}"[:LONGEST_REFUSED])

    def refusals(self) -> str:
        """What was refused last, the newest last, for an agent whose program does not show it."""
        return "\n".join(self._refused) or "Nothing has been refused to this sandbox, as far as the gateway knows."

    def ask(self) -> str | None:
        """Count a request; says why it is one too many, if it is."""
        now = self._clock()
        while self._asked and self._asked[0] <= now - MINUTE:
            self._asked.popleft()
        if self._bytes >= self.limits.total_bytes:
            return self._used_up()
        if len(self._asked) >= self.limits.requests:
            return f"this sandbox has asked {self.limits.requests} times within a minute; wait for the next one"
        self._asked.append(now)
        return None

    def tell(self) -> str | None:
        """What is written down of a request that is one too many; None: nothing, it is counted in the next such line.

        One line a minute: whoever asks without end would wash away what is written down of all others.
        """
        now = self._clock()
        if self._told_at is not None and now - self._told_at < MINUTE:
            self._untold += 1
            return None
        before, self._told_at, self._untold = self._untold, now, 0
        return f"{before} more since the last such line" if before else "more of them for a minute are not here"

    def move(self, number: int) -> None:
        """Count bytes that are about to be passed on. Raises `Stopped` where they are too many."""
        self._bytes += number
        if self._bytes - self._said >= max(self.limits.total_bytes // PARTS, LEAST_PART):
            self.say()
        if self._bytes > self.limits.total_bytes:
            raise Stopped(self._used_up())

    def say(self) -> None:
        """Have the host know what has moved by now."""
        if self._bytes > self._said:
            self._said = self._bytes
            self._say(self._bytes)

    def _used_up(self) -> str:
        return f"this sandbox has moved all of the {self.limits.total_bytes // MIB} MiB that one may"


@define
class Count:
    """What has moved for one request."""

    _meter: Meter
    sent: int = 0
    received: int = 0

    def out(self, number: int) -> None:
        self._meter.move(number)
        self.sent += number

    def back(self, number: int) -> None:
        self._meter.move(number)
        self.received += number

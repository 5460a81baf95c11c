"""When to restart a child, when to park it, when to give up. Pure: no clock, no tasks, no log."""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import TypeAlias

from attrs import define, field, frozen


class Restart(Enum):
    """Which endings of a child are followed by a new start."""

    PERMANENT = "permanent"  # whatever happens
    TRANSIENT = "transient"  # only after an error
    TEMPORARY = "temporary"  # never


@frozen(kw_only=True)
class RestartPolicy:
    """Forgive up to *intensity* restarts in any *period* seconds, waiting longer each time."""

    intensity: int = 3
    period: float = 5.0
    first_delay: float = 0.1
    longest_delay: float = 30.0


@frozen
class LetEnd:
    """The child is done and stays done."""


@frozen
class RestartAfter:
    """Start it again after *delay* seconds."""

    delay: float


@frozen
class GiveUp:
    """The restarts were used up: *restarts* of them lie within the period."""

    restarts: int


Verdict: TypeAlias = LetEnd | RestartAfter | GiveUp


@define
class RestartLedger:
    """The recent restarts of one supervisor's children, all of them together.

    Counted together, as OTP does: three children failing once each is as bad
    a sign as one child failing three times.
    """

    policy: RestartPolicy
    _times: deque[float] = field(factory=deque[float], init=False)

    def judge(self, mode: Restart, *, failed: bool, now: float) -> Verdict:
        """Say what to do about a child that ended at *now* (any steady clock, seconds)."""
        if mode is Restart.TEMPORARY or (mode is Restart.TRANSIENT and not failed):
            return LetEnd()
        _forget_older(self._times, now, self.policy.period)
        if len(self._times) >= self.policy.intensity:
            return GiveUp(restarts=len(self._times))
        delay = _growing(self.policy.first_delay, len(self._times), self.policy.longest_delay)
        self._times.append(now)
        return RestartAfter(delay)


@frozen(kw_only=True)
class ParkPolicy:
    """Park a child at its *intensity*-th failure in *period* seconds, longer from streak to streak.

    Below that it is restarted, with a delay that doubles with each failure in the period.
    """

    intensity: int = 3
    period: float = 60.0
    pauses: tuple[float, ...] = (60.0, 120.0, 240.0, 480.0, 900.0)
    """Seconds; the last one is used for every further parking. At least one."""
    first_delay: float = 0.1
    longest_delay: float = 30.0


@frozen
class Park:
    """Leave the child alone for *pause* seconds."""

    pause: float
    restarts: int
    """Failures that led here."""
    first: bool
    """Whether this parking opens a streak, so that it is told once and not every time."""


ParkVerdict: TypeAlias = RestartAfter | Park


@define
class ParkLedger:
    """The recent failures of one child, and how often in a row it has been parked.

    A streak ends once the child ran quietly, after its last start, for longer
    than its last pause and the period together.
    """

    policy: ParkPolicy
    _times: deque[float] = field(factory=deque[float], init=False)
    _streak: int = field(default=0, init=False)
    _last_pause: float = field(default=0.0, init=False)
    _resumed: float = field(default=0.0, init=False)
    """When the child was let run again after its last failure."""

    def judge(self, *, now: float) -> ParkVerdict:
        """Say what to do about a child that failed at *now* (any steady clock, seconds)."""
        if self.is_cold(now=now):
            self._streak = 0
            self._last_pause = 0.0
        _forget_older(self._times, now, self.policy.period)
        self._times.append(now)
        failures = len(self._times)
        if failures < self.policy.intensity:
            delay = _growing(self.policy.first_delay, failures - 1, self.policy.longest_delay)
            self._resumed = now + delay
            return RestartAfter(delay)
        self._times.clear()
        pause = self.policy.pauses[min(self._streak, len(self.policy.pauses) - 1)]
        first = self._streak == 0
        self._streak += 1
        self._last_pause = pause
        self._resumed = now + pause
        return Park(pause, restarts=failures, first=first)

    def is_cold(self, *, now: float) -> bool:
        """Whether everything in here is forgiven: a fresh ledger would judge no differently."""
        return now - self._resumed > self._last_pause + self.policy.period


def _forget_older(times: deque[float], now: float, period: float) -> None:
    while times and now - times[0] > period:
        times.popleft()


def _growing(first: float, doublings: int, longest: float) -> float:
    # Past 2**64 any first delay has met any longest one; floats would overflow at 2**1024.
    return min(first * 2.0 ** min(doublings, 64), longest)

"""The wall clock of a simulated machine."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define, field

from nanoclaw.kit.clock import TrioClock


@define(eq=False)
class SimClock:
    """Implements `Clock`: Trio's time from a given start, and as far ahead or behind as somebody has put it."""

    _clock: TrioClock
    ahead: timedelta = field(factory=timedelta, init=False)

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self._clock.now() + self.ahead

"""How long a host waits before it starts when it has ended badly before: crashing again must not be fast. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import frozen

PERIOD = timedelta(hours=1)
"""A start this long after the one before it has nothing to do with it."""
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (0, 0, 10, 30, 120, 300, 900))
"""Before the first start, the second and so on; the last one is for all that follow."""


@frozen(kw_only=True)
class Start:
    """One start of a host, noted before it waits and forgotten when it ends well."""

    attempt: int
    """1: nothing bad happened lately."""
    at: datetime

    @property
    def pause(self) -> timedelta:
        """What it waits first."""
        return PAUSES[min(self.attempt, len(PAUSES)) - 1]


def next_start(last: Start | None, *, now: datetime) -> Start:
    """The start at *now*, after *last*, which did not end well; None: there is none that did not.

    A start in the future, by a clock that has been set back since, counts for as long as one in the past.
    """
    if last is None or last.attempt < 1 or abs(now - last.at) >= PERIOD:
        return Start(attempt=1, at=now)
    return Start(attempt=last.attempt + 1, at=now)

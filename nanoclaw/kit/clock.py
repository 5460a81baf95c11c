"""The wall clock as a parameter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

import trio
from attrs import field, frozen


class Clock(Protocol):
    """Says what time it is for people and for stored rows. Deadlines use Trio's clock instead."""

    def now(self) -> datetime:
        """The time now: aware, UTC, whole milliseconds, as rows store it."""
        ...


@frozen
class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The machine's time."""
        return _whole_milliseconds(datetime.now(UTC))


def _aware(when: datetime) -> datetime:
    if when.tzinfo is None:
        raise ValueError(f"time without a zone: {when.isoformat()}")
    return when.astimezone(UTC)


@frozen
class TrioClock:
    """A wall clock that was at *start* when it was made and follows Trio's, mocked or not.

    Make it inside `trio.run`.
    """

    start: datetime = field(converter=_aware)
    _made: float = field(factory=trio.current_time, init=False)

    def now(self) -> datetime:
        """The start and the Trio seconds since."""
        passed = timedelta(seconds=trio.current_time() - self._made)
        return _whole_milliseconds(self.start + passed)


def _whole_milliseconds(when: datetime) -> datetime:
    return when.replace(microsecond=when.microsecond // 1000 * 1000)

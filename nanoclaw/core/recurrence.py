"""When a task comes again: cron's words, read in a time zone, as a row of instants. Pure.

The words are about the wall clock of the task's zone, and each wall time is one instant. One that the zone leaves out
(a gap) is the first instant after the gap; one that it has twice (a fold) is the first of the two. Two wall times that
come to the same instant are one occurrence. The next occurrence follows from the one before it, never from the time at
which that one ran: nothing drifts, and a clock that jumps changes no occurrence.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from attrs import field, frozen
from cronsim import CronSim, CronSimError

MOST_CHARACTERS = 100
SHORTEST_SECONDS = 60
MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
A_SECOND = timedelta(seconds=1)
LAST_YEAR = 9000
"""Far from where times end: what comes later does not come."""
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(LAST_YEAR, 1, 1, tzinfo=UTC)


class RecurrenceError(ValueError):
    """Words that say no recurrence; `str()` says why, to whoever wrote them."""


@frozen
class Recurrence:
    """A cron expression that has been read. Make it with `read_recurrence`."""

    cron: str
    zone: ZoneInfo = field(eq=lambda zone: zone.key)

    def after(self, moment: datetime) -> datetime | None:
        """The first occurrence later than *moment*, aware UTC; None: there is none in the next fifty years."""
        return next(self.from_then_on(moment), None)

    def from_then_on(self, moment: datetime) -> Iterator[datetime]:
        """All occurrences later than *moment*, in order, aware UTC."""
        last = moment
        wall = moment.astimezone(self.zone).replace(tzinfo=None)
        for local in _walls(self.cron, wall):
            found = instant_of(local, self.zone)
            if found > last:
                yield found
                last = found

    def latest(self, moment: datetime, *, since: datetime) -> datetime:
        """The last occurrence that is not later than *moment*, or *since* if none is later than that."""
        window = timedelta(minutes=2)
        while moment - window > since:
            first = self.after(moment - window)
            if first is not None and first <= moment:
                break
            window *= 2
        found = since
        for one in self.from_then_on(max(since, moment - window)):
            if one > moment:
                break
            found = one
        return found


def read_recurrence(words: str, zone: ZoneInfo) -> Recurrence:
    """Read *words*: five fields of cron, a sixth for seconds in front of them, or a macro such as `@daily`.

    Raises:
      RecurrenceError: they are not cron's, come more often than once in 60 seconds, or never.
    """
    if len(words) > MOST_CHARACTERS:
        raise RecurrenceError(f"longer than {MOST_CHARACTERS} characters")
    plain = " ".join(words.split())
    cron = MACROS.get(plain.lower(), plain)
    if not cron.isascii() or cron.startswith("@"):
        raise RecurrenceError(f"not cron's words: {', '.join(MACROS)}, or five fields such as `0 9 * * 1-5`")
    try:
        read = CronSim(cron, datetime(2000, 1, 1))  # noqa: DTZ001 - a wall time has no zone
        first = next(read, None)
    except CronSimError as exc:
        raise RecurrenceError(f"not cron's words ({exc}): five fields, such as `0 9 * * 1-5`") from None
    if len(read.seconds) > 1:
        raise RecurrenceError(f"it comes more often than every {SHORTEST_SECONDS} seconds")
    if first is None:
        raise RecurrenceError("it never comes")
    return Recurrence(cron, zone)


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant, aware UTC, at which *zone* shows *wall*: the first of two, or the first after a gap.

    Raises:
      OverflowError: at the ends of what a time can be.
    """
    # PEP 495: of a wall time that exists twice, fold=0 is the first; of one that does not exist, fold=0 reads it by
    # the offset from before the gap, which gives an instant after it, and fold=1 the other way round.
    late = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None) == wall:
        return late
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after_gap = late.astimezone(zone).utcoffset()
    before, after = early, late
    while after - before > A_SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == after_gap:
            after = middle
        else:
            before = middle
    # Zones change at whole seconds.
    return after.replace(microsecond=0)


def read_moment(text: str, zone: ZoneInfo) -> datetime:
    """A date and a time as people and models write them, as an instant in UTC; without an offset it is *zone*'s.

    Raises:
      ValueError: it is none; says so for people.
    """
    try:
        when = datetime.fromisoformat(text.strip())
        moment = instant_of(when, zone) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("not a time: write it like 2026-04-16T09:00, in your zone, or with an offset") from None
    if not FIRST_MOMENT <= moment < LAST_MOMENT:
        raise ValueError(f"not a time that can be meant: between 1970 and {LAST_YEAR}")
    return moment


def coming(recurrence: Recurrence, moment: datetime, most: int) -> list[datetime]:
    """The next occurrences after *moment*, at most so many."""
    return list(islice(recurrence.from_then_on(moment), most))


def _walls(cron: str, wall: datetime) -> Iterator[datetime]:
    """The wall times of *cron* after *wall*, without a zone."""
    for local in CronSim(cron, wall):
        if local.year >= LAST_YEAR:
            return
        yield local

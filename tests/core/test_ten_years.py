"""Ten years of forty schedules in six zones, a host that sleeps and a clock that jumps: each time once, by its policy.

The times are found a second way here, without cron: from calendars, and from what the zones' clocks show.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from attrs import frozen

from nanoclaw.core.occurrences import GRACE, Pass, Run, come_due
from nanoclaw.core.recurrence import read_recurrence
from nanoclaw.model.tasks import Misfire, Outcome
from tests.support.sampling import offset, stride

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kolkata",
    "America/Sao_Paulo",
)
START, END = datetime(2011, 6, 1, tzinfo=UTC), datetime(2021, 6, 1, tzinfo=UTC)
A_DAY = timedelta(days=1)


@frozen
class Schedule:
    """A cron expression, and the same in words of a calendar."""

    cron: str
    days: Callable[[date], bool]
    times: tuple[time, ...]


def on(*weekdays: int) -> Callable[[date], bool]:
    return lambda day: day.weekday() in weekdays


def every_day(_: date) -> bool:
    return True


SCHEDULES = (
    Schedule("0 9 * * 1-5", on(0, 1, 2, 3, 4), (time(9),)),
    Schedule("30 2 * * *", every_day, (time(2, 30),)),
    Schedule("15 1,2,3 * * *", every_day, (time(1, 15), time(2, 15), time(3, 15))),
    Schedule("0 0 1 * *", lambda day: day.day == 1, (time(0),)),
    Schedule("0 12 29 2 *", lambda day: (day.month, day.day) == (2, 29), (time(12),)),
    Schedule("45 23 31 * *", lambda day: day.day == 31, (time(23, 45),)),
    Schedule("10 2 * * SUN", on(6), (time(2, 10),)),
)
"""Forty with their zones: each zone has the first six, and four have the last as well."""
CASES = [(schedule, zone) for zone in ZONES for schedule in SCHEDULES[:6]] + [
    (SCHEDULES[6], zone) for zone in ZONES[:4]
]


def shown(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """When a clock in *zone* first shows *wall*, or first shows more: from the offsets it has around that time."""
    around = wall.replace(tzinfo=UTC)
    offsets = {(around + hours * timedelta(hours=6)).astimezone(zone).utcoffset() for hours in range(-8, 9)}
    moments = sorted(around - offset for offset in offsets if offset is not None)
    there = [moment for moment in moments if shown(moment, zone) == wall]
    if there:
        return there[0]
    probe = moments[0] - A_DAY
    while shown(probe, zone) < wall:
        probe += timedelta(minutes=1)
    return probe


def times_of(schedule: Schedule, zone: ZoneInfo) -> list[datetime]:
    """All that the calendar says, from the start to a month after the end."""
    first = START.date() - 2 * A_DAY
    days = (first + number * A_DAY for number in range((END - START).days + 32))
    walls = (datetime.combine(day, one) for day in days if schedule.days(day) for one in schedule.times)
    found = {instant(wall, zone) for wall in walls}
    return sorted(one for one in found if one > START)


def looks(seed: int) -> Iterator[datetime]:
    """When a host looks: mostly soon, now and then after days or weeks, and sometimes its clock is set back."""
    chance = random.Random(seed)
    now = START
    while now < END:
        kind = chance.random()
        if kind < 0.90:
            now += timedelta(minutes=chance.randrange(1, 480))
        elif kind < 0.99:
            now += timedelta(hours=chance.randrange(4, 240))
        else:
            yield now - timedelta(hours=chance.randrange(1, 50))
        yield now


def test_there_are_forty_schedules_in_six_zones() -> None:
    assert len(CASES) == 40
    assert len({zone for _, zone in CASES}) == 6


@pytest.mark.slow
@pytest.mark.parametrize("number", range(offset(3), len(CASES), stride(3)))
def test_each_occurrence_of_ten_years_is_decided_once_by_its_policy(number: int) -> None:
    schedule, zone_name = CASES[number]
    misfire = tuple(Misfire)[number % 3]
    zone = ZoneInfo(zone_name)
    recurrence = read_recurrence(schedule.cron, zone)
    planned = recurrence.after(START)
    decided: dict[datetime, tuple[Outcome | None, datetime]] = {}
    highest = START
    for now in looks(number):
        assert planned is not None
        due = come_due(planned, recurrence, misfire, now=now, waiting=0)
        for step in due.steps:
            assert step.due not in decided
            decided[step.due] = (step.outcome if isinstance(step, Pass) else None, now)
            assert isinstance(step, Run) or step.outcome is Outcome.MISSED
        planned = due.next
        highest = max(highest, now)
    expected = [one for one in times_of(schedule, zone) if one <= highest]
    assert list(decided) == expected
    for place, one in enumerate(expected):
        outcome, when = decided[one]
        is_last = place + 1 == len(expected) or expected[place + 1] > when
        match misfire:
            case Misfire.ALL:
                assert outcome is None
            case Misfire.LATEST:
                assert (outcome is None) is is_last
            case Misfire.SKIP:
                assert (outcome is None) is (is_last and when - one <= GRACE)

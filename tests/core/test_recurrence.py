"""When a task comes again: cron in a time zone, through gaps and folds, exactly once each."""

from __future__ import annotations

import time
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.recurrence import (
    MACROS,
    Recurrence,
    RecurrenceError,
    coming,
    instant_of,
    read_moment,
    read_recurrence,
)

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
LORD_HOWE, APIA = ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Pacific/Apia")
UTC_ZONE = ZoneInfo("UTC")
ZONES = st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, APIA, UTC_ZONE, ZoneInfo("Asia/Kathmandu")])
MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%m-%d %H:%M %z}"


@pytest.mark.parametrize(
    ("zone", "cron", "start", "expected"),
    [
        # Berlin 2026: 02:00 is 03:00 on 29 March, 03:00 is 02:00 on 25 October.
        (BERLIN, "30 2 * * *", "2026-03-28", ["03-28 02:30 +0100", "03-29 03:00 +0200", "03-30 02:30 +0200"]),
        (BERLIN, "30 2 * * *", "2026-10-24", ["10-24 02:30 +0200", "10-25 02:30 +0200", "10-26 02:30 +0100"]),
        (BERLIN, "*/30 * * * *", "2026-03-29 00:20", ["03-29 01:30 +0100", "03-29 03:00 +0200", "03-29 03:30 +0200"]),
        (BERLIN, "0 * * * *", "2026-10-24 23:30", ["10-25 02:00 +0200", "10-25 03:00 +0100", "10-25 04:00 +0100"]),
        (BERLIN, "0 9 * * 1-5", "2026-03-27 09:00", ["03-30 09:00 +0200", "03-31 09:00 +0200", "04-01 09:00 +0200"]),
        # New York 2026: 02:00 is 03:00 on 8 March, 02:00 is 01:00 on 1 November.
        (NEW_YORK, "15 2 * * *", "2026-03-07 06:00", ["03-07 02:15 -0500", "03-08 03:00 -0400", "03-09 02:15 -0400"]),
        (NEW_YORK, "15 1 * * *", "2026-10-31 04:00", ["10-31 01:15 -0400", "11-01 01:15 -0400", "11-02 01:15 -0500"]),
        # Lord Howe 2026: half an hour. 02:00 is 02:30 on 4 October, 02:00 is 01:30 on 5 April.
        (LORD_HOWE, "10 2 * * *", "2026-10-02 16:00", ["10-04 02:30 +1100", "10-05 02:10 +1100", "10-06 02:10 +1100"]),
        (LORD_HOWE, "45 1 * * *", "2026-04-03 15:00", ["04-05 01:45 +1100", "04-06 01:45 +1030", "04-07 01:45 +1030"]),
        # Apia left out 30 December 2011.
        (APIA, "0 9 * * *", "2011-12-29 00:00", ["12-29 09:00 -1000", "12-31 00:00 +1400", "12-31 09:00 +1400"]),
        (APIA, "0 0 30 12 *", "2011-12-01", ["12-31 00:00 +1400", "12-30 00:00 +1400", "12-30 00:00 +1400"]),
    ],
)
def test_a_gap_is_jumped_to_its_end_and_a_fold_is_run_once(
    zone: ZoneInfo, cron: str, start: str, expected: list[str]
) -> None:
    found = coming(read_recurrence(cron, zone), utc(start), 3)
    assert [wall(one, zone) for one in found] == expected


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-04-16T09:00", BERLIN, "2026-04-16T07:00"),
        ("2026-04-16 09:00:30", NEW_YORK, "2026-04-16T13:00:30"),
        ("2026-04-16T09:00:00Z", BERLIN, "2026-04-16T09:00"),
        ("2026-04-16T09:00:00+05:45", BERLIN, "2026-04-16T03:15"),
        (" 2026-04-16 ", UTC_ZONE, "2026-04-16T00:00"),
        ("2026-03-29T02:30", BERLIN, "2026-03-29T01:00"),
        ("2026-10-25T02:30", BERLIN, "2026-10-25T00:30"),
        ("2026-10-04T02:10:00.5", LORD_HOWE, "2026-10-03T15:30"),
        ("2011-12-30T12:00", APIA, "2011-12-30T10:00"),
    ],
)
def test_a_time_without_an_offset_is_the_wall_clock_of_its_zone(text: str, zone: ZoneInfo, expected: str) -> None:
    assert read_moment(text, zone) == utc(expected)


@pytest.mark.parametrize("text", ["", "tomorrow", "9:00", "2026-02-30T09:00", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        read_moment(text, BERLIN)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("", "not cron's words"),
        ("* * * *", "not cron's words"),
        ("61 * * * *", "Bad minute"),
        ("0 9 * * MON-", "Bad day-of-week"),
        ("@reboot", "not cron's words"),
        ("0 0 31 2 *", "Bad day-of-month"),
        ("0 0 */31 2 MON#5", "never"),
        ("*/10 * * * * *", "more often"),
        ("0,30 * * * * *", "more often"),
        ("٣ * * * *", "not cron's words"),
        ("0 " * 60, "longer than 100"),
    ],
)
def test_what_is_no_recurrence_is_refused_with_the_reason(words: str, why: str) -> None:
    with pytest.raises(RecurrenceError, match=why):
        read_recurrence(words, UTC_ZONE)


@pytest.mark.parametrize(("macro", "cron"), MACROS.items())
def test_a_macro_is_the_cron_it_stands_for(macro: str, cron: str) -> None:
    assert read_recurrence(macro.upper(), BERLIN) == read_recurrence(cron, BERLIN)


def test_seconds_may_be_said_as_long_as_a_minute_lies_between() -> None:
    found = coming(read_recurrence("15 */2 * * * *", UTC_ZONE), utc("2026-01-01"), 2)
    assert found == [utc("2026-01-01T00:00:15"), utc("2026-01-01T00:02:15")]


@given(st.text("0123456789*/,-#LWMONSUNJAN@dailyhurw ", max_size=30))
def test_whatever_is_written_is_read_or_refused(words: str) -> None:
    try:
        read = read_recurrence(words, BERLIN)
    except RecurrenceError:
        return
    first, second = coming(read, utc("2026-01-01"), 2)
    assert first < second


FIELDS = st.tuples(
    st.sampled_from(["*", "0", "30", "*/7", "5,35", "10-20"]),
    st.sampled_from(["*", "0", "1", "2", "3", "1-3", "*/5"]),
    st.sampled_from(["*", "1", "29", "4,5", "25-31"]),
    st.just("*"),
    st.sampled_from(["*", "SUN", "1-5"]),
).map(" ".join)
AROUND_A_CHANGE = st.sampled_from(
    [utc(f"{day}T00:00") for day in ("2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-04-03")]
).flatmap(lambda day: st.sampled_from([day, utc("2026-10-02T00:00"), utc("2011-12-29T00:00")]))


@lru_cache
def first_shown(zone: ZoneInfo, around: datetime) -> tuple[list[datetime], list[datetime]]:
    """The wall minutes of *zone* in the days after *around* as they are first reached, and when: by looking at each."""
    walls: list[datetime] = []
    moments: list[datetime] = []
    for minute in range(-1440, 5 * 1440):
        moment = around + minute * MINUTE
        shown = moment.astimezone(zone).replace(tzinfo=None)
        if not walls or shown > walls[-1]:
            walls.append(shown)
            moments.append(moment)
    return walls, moments


def by_definition(recurrence: Recurrence, around: datetime, start: datetime, end: datetime) -> list[datetime]:
    """Each wall time of the expression is the instant at which the clock first shows it, or first shows more."""
    walls, moments = first_shown(recurrence.zone, around)
    every_minute = read_recurrence(recurrence.cron, UTC_ZONE)  # in UTC, wall times are instants
    found = set()
    for one in every_minute.from_then_on(walls[0].replace(tzinfo=UTC)):
        place = bisect_left(walls, one.replace(tzinfo=None))
        if place == len(walls):
            break
        found.add(moments[place])
    return sorted(one for one in found if start < one <= end)


@given(cron=FIELDS, zone=ZONES, around=AROUND_A_CHANGE, offset=st.integers(0, 3 * 1440))
def test_the_occurrences_are_those_of_the_definition(cron: str, zone: ZoneInfo, around: datetime, offset: int) -> None:
    start = around + offset * MINUTE
    end = start + timedelta(hours=12)
    recurrence = read_recurrence(cron, zone)
    found = []
    moment = start
    while (one := recurrence.after(moment)) is not None and one <= end:
        found.append(one)
        moment = one
    assert found == by_definition(recurrence, around, start, end)


@given(zone=ZONES, seconds=st.integers(10 * 31_536_000, 67 * 31_536_000))
def test_an_instant_shows_its_wall_time_unless_there_is_none(zone: ZoneInfo, seconds: int) -> None:
    local = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    found = instant_of(local, zone)
    shown = found.astimezone(zone).replace(tzinfo=None)
    assert shown >= local
    if shown > local:  # a gap: a moment before, the clock showed less
        assert (found - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None) < local


@given(cron=FIELDS, zone=ZONES, around=AROUND_A_CHANGE, minutes=st.integers(0, 20_000))
def test_the_latest_occurrence_has_none_between_it_and_now(
    cron: str, zone: ZoneInfo, around: datetime, minutes: int
) -> None:
    recurrence = read_recurrence(cron, zone)
    since = recurrence.after(around)
    assert since is not None
    now = since + minutes * MINUTE
    latest = recurrence.latest(now, since=since)
    following = recurrence.after(latest)
    assert since <= latest <= now
    assert following is None or following > now


def test_the_worst_recurrence_that_can_be_written_is_read_in_no_time() -> None:
    start = time.process_time()
    for words in ("0 0 29 2 MON#5", "0 0 29 2 SUN#5", "59 59 23 29 2 SAT#5", "0 0 30 4,6 SUN#5"):
        read_recurrence(words, BERLIN).after(utc("2028-03-01"))
    assert time.process_time() - start < 1

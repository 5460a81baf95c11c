"""Retention: only what is settled, old and needed by nobody goes, and a clock that was set is not believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.retention import (
    MOST_DRIFT,
    STEADY_FOR,
    Keep,
    Kept,
    Remove,
    Settled,
    Verdict,
    decide,
    first_pace,
    is_steady,
    paced,
)

NOW = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
YEAR = timedelta(days=365)
TICK = timedelta(milliseconds=1)
OLD = Settled(at=NOW - YEAR)
RECORDS = st.builds(
    Settled,
    at=st.none() | st.timedeltas(timedelta(days=-10), timedelta(days=4_000)).map(lambda age: NOW - age),
    needed=st.booleans(),
    shown=st.booleans(),
    unresolved=st.booleans(),
)


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        (OLD, Remove(YEAR)),
        (Settled(at=NOW - YEAR + TICK), Keep(Kept.YOUNG)),
        (Settled(at=NOW + YEAR), Keep(Kept.YOUNG)),
        (Settled(at=None), Keep(Kept.OPEN)),
        (evolve(OLD, needed=True), Keep(Kept.NEEDED)),
        (evolve(OLD, shown=True), Keep(Kept.SHOWN)),
        (evolve(OLD, unresolved=True), Keep(Kept.UNRESOLVED)),
    ],
)
def test_each_record_has_its_verdict(record: Settled, verdict: Verdict) -> None:
    assert decide(record, YEAR, now=NOW) == verdict


@given(RECORDS, st.timedeltas(timedelta(0), timedelta(days=4_000)))
def test_exactly_what_is_settled_unneeded_and_old_goes(record: Settled, keep: timedelta) -> None:
    free = record.at is not None and not (record.needed or record.shown or record.unresolved)
    goes = isinstance(decide(record, keep, now=NOW), Remove)
    assert goes is (free and record.at is not None and NOW - record.at >= keep)


@given(RECORDS, st.timedeltas(timedelta(0), YEAR), st.timedeltas(timedelta(0), YEAR))
def test_keeping_longer_never_removes_more(record: Settled, keep: timedelta, more: timedelta) -> None:
    if isinstance(decide(record, keep + more, now=NOW), Remove):
        assert isinstance(decide(record, keep, now=NOW), Remove)


def test_a_clock_is_believed_once_it_has_gone_evenly_for_a_while() -> None:
    pace = first_pace(NOW, 5.0)
    assert not is_steady(pace)
    almost = paced(pace, NOW + STEADY_FOR - TICK, 5.0 + (STEADY_FOR - TICK).total_seconds())
    assert not is_steady(almost)
    assert is_steady(paced(almost, NOW + STEADY_FOR, 5.0 + STEADY_FOR.total_seconds()))


@pytest.mark.parametrize("set_to", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)])
def test_a_clock_that_was_set_is_believed_no_sooner(set_to: datetime) -> None:
    hour = timedelta(hours=1)
    steady = paced(first_pace(NOW, 0.0), NOW + hour, 3_600.0)
    assert is_steady(steady)
    jumped = paced(steady, set_to, 3_601.0)
    assert not is_steady(jumped)
    assert is_steady(paced(jumped, set_to + STEADY_FOR, 3_601.0 + STEADY_FOR.total_seconds()))


def test_a_machine_that_was_asleep_has_a_clock_that_jumped() -> None:
    # What nobody sets stands still meanwhile.
    steady = paced(first_pace(NOW, 0.0), NOW + timedelta(hours=1), 3_600.0)
    assert not is_steady(paced(steady, NOW + timedelta(hours=9), 3_600.0))


@given(st.lists(st.tuples(st.floats(0, 4_000), st.timedeltas(-2 * MOST_DRIFT, 2 * MOST_DRIFT)), min_size=1))
def test_a_clock_is_believed_exactly_after_enough_even_time(looks: list[tuple[float, timedelta]]) -> None:
    wall, seconds, even = NOW, 0.0, 0.0
    pace = first_pace(wall, seconds)
    for passed, drift in looks:
        before = seconds
        seconds += passed
        wall += timedelta(seconds=seconds - before) + drift
        pace = paced(pace, wall, seconds)
        even = 0.0 if abs(drift) > MOST_DRIFT else even + passed
    # Microseconds may fall on either side.
    if abs(even - STEADY_FOR.total_seconds()) > 0.001:
        assert is_steady(pace) is (even > STEADY_FOR.total_seconds())

"""A host that keeps crashing waits longer and longer, and one that does not waits for nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.breaker import PERIOD, Start, next_start

NOW = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)


def test_start_after_start_the_pause_grows_to_a_quarter_of_an_hour() -> None:
    start, pauses = None, []
    for number in range(9):
        start = next_start(start, now=NOW + number * timedelta(minutes=59))
        pauses.append(start.pause.total_seconds())
    assert pauses == [0, 0, 10, 30, 120, 300, 900, 900, 900]


@pytest.mark.parametrize(
    ("since", "attempt"),
    [(timedelta(0), 4), (PERIOD - MOMENT, 4), (PERIOD, 1), (-PERIOD + MOMENT, 4), (-PERIOD, 1)],
)
def test_only_a_start_within_the_hour_counts(since: timedelta, attempt: int) -> None:
    assert next_start(Start(attempt=3, at=NOW), now=NOW + since) == Start(attempt=attempt, at=NOW + since)


@given(attempt=st.integers(-5, 10**9), since=st.timedeltas(-2 * PERIOD, 2 * PERIOD))
def test_whatever_was_noted_the_pause_is_bounded(attempt: int, since: timedelta) -> None:
    start = next_start(Start(attempt=attempt, at=NOW), now=NOW + since)
    assert start.attempt >= 1
    assert timedelta(0) <= start.pause <= timedelta(minutes=15)

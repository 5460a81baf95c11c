"""How much a crowd may leave behind: the bounds, and that none of them is passed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.crowds import (
    CONTEXT_STEP,
    MOST_ASKED,
    MOST_RECORDED,
    MOST_THREADS,
    MOST_WAITING,
    Asked,
    context_is_looked_at,
    hour_of,
    is_kept_in_thread,
    is_recorded,
    may_ask,
)


@pytest.mark.parametrize(
    ("lately", "waiting", "about_them", "may"),
    [
        (0, 0, False, True),
        (0, 1, True, False),
        (MOST_ASKED - 1, MOST_WAITING - 1, False, True),
        (MOST_ASKED, 0, False, False),
        (0, MOST_WAITING, False, False),
    ],
)
def test_people_are_asked_about_one_stranger_at_a_time_so_often_and_so_much(
    lately: int, waiting: int, *, about_them: bool, may: bool
) -> None:
    assert may_ask(Asked(lately=lately, waiting=waiting, about_them=about_them)) is may


def test_records_and_threads_have_their_bounds() -> None:
    assert [is_recorded(MOST_RECORDED - 1), is_recorded(MOST_RECORDED)] == [True, False]
    assert [is_kept_in_thread(MOST_THREADS - 1), is_kept_in_thread(MOST_THREADS)] == [True, False]


@given(st.integers(0, 10_000))
def test_context_is_looked_at_once_in_so_many_messages(first: int) -> None:
    looks = [context_is_looked_at(first + 2 * more) for more in range(CONTEXT_STEP)]
    assert looks.count(True) == 1


def test_an_hour_is_one_of_the_clock() -> None:
    assert hour_of(datetime(2026, 4, 16, 14, 59, 59, 999, tzinfo=UTC)) == datetime(2026, 4, 16, 14, tzinfo=UTC)

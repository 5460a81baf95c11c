"""Pauses double up to a minute; a rate limit is waited for longer than other errors are, and not for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.pauses import LONGEST, LONGEST_LIMIT, MOST_TRIES, next_pause


def all_pauses(*, limited: bool) -> list[float]:
    pauses: list[float] = []
    while (pause := next_pause(len(pauses), sum(pauses), limited=limited)) is not None:
        pauses.append(pause)
    return pauses


def test_an_error_that_may_pass_is_given_five_tries() -> None:
    assert all_pauses(limited=False) == [1, 2, 4, 8, 16]
    assert len(all_pauses(limited=False)) == MOST_TRIES


def test_a_rate_limit_is_waited_for_as_long_as_the_host_takes_it_for_no_silence() -> None:
    pauses = all_pauses(limited=True)
    assert pauses[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(pauses[6:]) == {LONGEST}
    assert LONGEST_LIMIT - LONGEST < sum(pauses) <= LONGEST_LIMIT


@given(st.integers(0, 10**6), st.floats(0, 10**9), st.booleans())
def test_a_pause_is_never_longer_than_a_minute(tries: int, waited: float, limited: bool) -> None:
    pause = next_pause(tries, waited, limited=limited)
    assert pause is None or 0 < pause <= LONGEST


@pytest.mark.parametrize("waited", [LONGEST_LIMIT - LONGEST, LONGEST_LIMIT - LONGEST + 0.001])
def test_the_last_pause_ends_at_the_limit(waited: float) -> None:
    assert (next_pause(50, waited, limited=True) is None) == (waited + LONGEST > LONGEST_LIMIT)


def test_a_provider_that_asks_to_be_left_alone_is() -> None:
    assert next_pause(0, 0, limited=True, asked=180) == 180
    assert next_pause(3, 0, limited=True, asked=2) == 8
    assert next_pause(0, 0, limited=False, asked=5) == 5
    assert next_pause(0, 0, limited=False, asked=3_600) == LONGEST
    assert next_pause(0, 0, limited=True, asked=LONGEST_LIMIT + 1) is None

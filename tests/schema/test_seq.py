"""The host's numbers are even, the runner's odd, and none is used twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schema.seq import HIGHEST, is_hosts, is_runners, next_even, next_odd

KNOWN = st.integers(0, HIGHEST - 2)


@given(KNOWN)
def test_the_next_number_is_the_smallest_of_its_side_above_all_known(highest: int) -> None:
    assert next_even(highest) == min(n for n in range(highest + 1, highest + 3) if n % 2 == 0)
    assert next_odd(highest) == min(n for n in range(highest + 1, highest + 3) if n % 2 == 1)


@given(KNOWN)
def test_each_side_accepts_its_own_numbers_only(highest: int) -> None:
    assert is_hosts(next_even(highest))
    assert is_runners(next_odd(highest))
    assert not is_hosts(next_odd(highest))
    assert not is_runners(next_even(highest))


def test_the_first_numbers_are_two_and_one() -> None:
    assert (next_even(0), next_odd(0)) == (2, 1)


def test_zero_negative_and_inexact_numbers_are_nobodys() -> None:
    for number in (0, -1, -2, HIGHEST + 1, HIGHEST + 2):
        assert not is_hosts(number)
        assert not is_runners(number)
    assert is_runners(HIGHEST)


@given(st.lists(st.booleans(), max_size=50))
def test_numbers_given_in_turns_never_meet(turns: list[bool]) -> None:
    given_out: list[int] = []
    for hosts_turn in turns:
        highest = max(given_out, default=0)
        given_out.append(next_even(highest) if hosts_turn else next_odd(highest))
    assert given_out == sorted(set(given_out))

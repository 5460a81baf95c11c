"""A gateway that ends is started again soon, later each time, and soon again after one that lasted."""

from __future__ import annotations

import pytest

from nanoclaw.core.gateway_lives import FIRST_PAUSE, GOOD_SECONDS, LONGEST_PAUSE, Again, after_life


def test_each_short_life_doubles_the_pause_up_to_a_bound_and_a_long_one_makes_good() -> None:
    pauses = [after_life(streak, lasted=1.0, luck=1.0).pause for streak in range(40)]
    assert pauses[:4] == pytest.approx([FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE])
    assert pauses[-1] == LONGEST_PAUSE
    assert pauses == sorted(pauses)
    assert after_life(40, lasted=1.0, luck=1.0).streak == 41
    assert after_life(40, lasted=GOOD_SECONDS, luck=1.0) == Again(FIRST_PAUSE, 1)


def test_luck_spreads_a_pause_and_never_takes_all_of_it() -> None:
    assert after_life(0, lasted=1.0, luck=0.0).pause == FIRST_PAUSE / 2

"""The choice of a batch against the same rule, said naively."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from runner.core.batch import choose
from schema.rows import MessageIn
from tests.runner.core.test_batch import ROWS


def naive(rows: list[MessageIn], most: int) -> list[MessageIn]:
    """Row by row: first those that ask, from the oldest on, then context, from the newest on."""
    taken: list[MessageIn] = []
    oldest_first = sorted(rows, key=lambda row: row.seq)
    for row in oldest_first:
        broken_off_before = row.tries > 0
        if not row.trigger:
            continue
        if len(taken) == most or (broken_off_before and taken):
            break
        taken.append(row)
        if broken_off_before:
            break
    if not taken:
        return []
    for row in reversed(oldest_first):
        if not row.trigger and len(taken) < most:
            taken.append(row)
    return sorted(taken, key=lambda row: row.seq)


@given(ROWS, st.integers(1, 12))
def test_a_batch_is_what_the_rule_says_row_by_row(rows: list[MessageIn], most: int) -> None:
    assert list(choose(rows, most)) == naive(rows, most)


@given(ROWS, st.integers(1, 12), st.randoms(use_true_random=False))
def test_the_order_in_which_rows_are_found_means_nothing(rows: list[MessageIn], most: int, random: Random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert choose(shuffled, most) == choose(rows, most)

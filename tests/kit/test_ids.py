"""Ids and jitter."""

from __future__ import annotations

import re
import time

from nanoclaw.kit.ids import ALPHABET, jitter, mint


def test_an_id_is_its_prefix_and_26_digits() -> None:
    assert re.fullmatch(f"ses-[{ALPHABET}]{{26}}", mint("ses"))


def test_ids_made_in_one_moment_differ() -> None:
    assert len({mint("x") for _ in range(1000)}) == 1000


def test_an_id_tells_the_millisecond_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    digits = mint("x").removeprefix("x-")
    after = time.time_ns() // 1_000_000
    number = 0
    for digit in digits:
        number = number * 32 + ALPHABET.index(digit)
    assert before <= number >> 80 <= after


def test_text_order_is_number_order() -> None:
    assert sorted(ALPHABET) == list(ALPHABET)
    assert len(set(ALPHABET)) == 32


def test_jitter_is_a_share_below_one() -> None:
    shares = [jitter() for _ in range(1000)]
    assert all(0 <= share < 1 for share in shares)
    assert min(shares) < 0.1
    assert max(shares) > 0.9

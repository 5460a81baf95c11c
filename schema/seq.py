"""The numbering rule of a session: the host's numbers are even, the runner's odd, none is used twice."""

from __future__ import annotations

HIGHEST = 2**53 - 1
"""The largest number every JSON reader keeps exact."""


def next_even(highest: int) -> int:
    """The host's next number: the smallest even one above *highest*, the highest it knows (0 for none)."""
    return highest + 2 - highest % 2


def next_odd(highest: int) -> int:
    """The runner's next number: the smallest odd one above *highest* (0 for none)."""
    return highest + 1 + highest % 2


def is_hosts(seq: int) -> bool:
    """Could the host have given this number?"""
    return 0 < seq <= HIGHEST and seq % 2 == 0


def is_runners(seq: int) -> bool:
    """Could a runner have given this number?"""
    return 0 < seq <= HIGHEST and seq % 2 == 1

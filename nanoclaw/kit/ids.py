"""Mints ids; the one place with randomness."""

from __future__ import annotations

import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Base 32 in the order of its characters, so that text order is number order; no i, l, o or u."""

PAIRS = tuple(first + second for first in ALPHABET for second in ALPHABET)
"""Two digits at a time: every message that comes in is given some ids."""
RANDOM_BITS = 80
DIGITS = 26
"""Enough for 48 bits of milliseconds and the random ones."""


def mint(prefix: str) -> str:
    """A new id: the prefix, a dash, 26 digits. Unguessable; sorts by the millisecond it was made.

    Order within one millisecond is random: ids order pages and logs, never events.
    """
    milliseconds = time.time_ns() // 1_000_000
    number = milliseconds << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
    digits = [PAIRS[number >> shift & 1023] for shift in range(5 * (DIGITS - 2), -1, -10)]
    return f"{prefix}-{''.join(digits)}"


def token() -> str:
    """130 bits of luck in 26 digits: whoever has it was given it."""
    number = secrets.randbits(5 * DIGITS)
    return "".join(ALPHABET[number >> shift & 31] for shift in range(0, 5 * DIGITS, 5))


def jitter() -> float:
    """A random share of a pause, in [0, 1), so that many waiters do not come back at once."""
    return secrets.randbits(53) / (1 << 53)

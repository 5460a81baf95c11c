"""How long to wait before the provider is asked again. Pure."""

from __future__ import annotations

FIRST = 1.0
"""Seconds; doubles with each try."""
LONGEST = 60.0
MOST_TRIES = 5
"""Of an error that may pass, however long that takes."""
LONGEST_LIMIT = 3_000.0
"""Seconds that a rate limit is waited for in one turn: less than the hour for which a host takes it for no silence."""


def next_pause(tries: int, waited: float, *, limited: bool, asked: float | None = None) -> float | None:
    """Seconds until the next try; None: it is time to give up.

    Args:
      tries: How many there were again, after the first.
      waited: Seconds of all pauses so far.
      limited: Is it a rate limit? That passes for certain, and so is waited for.
      asked: Seconds that the provider wants to be left alone for, at least. Of an error that is no rate limit, a
        minute of it is believed.
    """
    pause = min(FIRST * 2.0 ** min(tries, 10), LONGEST)
    if asked is not None and asked > pause:
        pause = asked if limited else min(asked, LONGEST)
    if limited:
        return pause if waited + pause <= LONGEST_LIMIT else None
    return pause if tries < MOST_TRIES else None

"""When the gateway's process is started again after one has ended. Pure."""

from __future__ import annotations

from attrs import frozen

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0
GOOD_SECONDS = 60.0
"""A life of this length makes good for those before."""
MOST_DOUBLINGS = 16


@frozen
class Again:
    """Start it again after *pause* seconds; *streak* lives in a row ended too early by now."""

    pause: float
    streak: int


def after_life(streak: int, *, lasted: float, luck: float) -> Again:
    """Judge a life of *lasted* seconds, after *streak* that ended too early; *luck* in [0, 1) spreads the pause."""
    before = 0 if lasted >= GOOD_SECONDS else streak
    longest = min(FIRST_PAUSE * 2.0 ** min(before, MOST_DOUBLINGS), LONGEST_PAUSE)
    return Again(longest * (0.5 + luck / 2), before + 1)

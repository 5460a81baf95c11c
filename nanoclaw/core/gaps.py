"""What is looked through after a gap, in which order, and what of the live events waits for it. Pure.

Where something was said while nobody listened, a platform is asked what it was, place by place; platforms let that be
done only so often. What comes live meanwhile is held up by its own place alone. Whatever somebody waits for is looked
through first.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from math import inf
from typing import TypeAlias

from attrs import evolve, frozen

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds until a place is asked for again whose look failed; longer if its platform says so."""
MOST_DOUBLINGS = 16


@frozen(kw_only=True)
class Gap:
    """A place that is to be looked through."""

    last: str
    """The message after which it begins."""
    wanted: float = inf
    """When the first live event began to wait for it, as a number that grows; infinite: none waits."""
    due: float = 0.0
    """When it may be looked through, in seconds of the loop."""
    failures: int = 0


Gaps: TypeAlias = Mapping[str, Gap]


@frozen
class Now:
    """It waits for nothing."""


@frozen
class After:
    """It waits until *place* was looked through."""

    place: str


@frozen
class Look:
    """Look through *place*."""

    place: str


@frozen
class Rest:
    """Nothing may be asked for so many *seconds*; infinite: there is nothing to look through."""

    seconds: float


def gate(gaps: Container[str], places: Sequence[str]) -> Now | After:
    """What a live event waits for that belongs to *places*, the widest first."""
    return next((After(place) for place in places if place in gaps), Now())


def following(gaps: Gaps, now: float) -> Look | Rest:
    """What is to be done at *now*: of what may be asked, what was waited for first; then what failed least."""
    ready = [place for place, gap in gaps.items() if gap.due <= now]
    if not ready:
        return Rest(min((gap.due for gap in gaps.values()), default=inf) - now)
    # Sorting keeps the order of those that are alike.
    return Look(min(ready, key=lambda place: (gaps[place].failures, gaps[place].wanted)))


def failed(gap: Gap, now: float, retry_after: float | None) -> Gap:
    """It could not be looked through at *now*; the platform may have said for how many seconds to wait.

    Being told to wait is no failure: the place keeps its turn.
    """
    if retry_after is not None:
        return evolve(gap, due=now + retry_after)
    pause = min(FIRST_PAUSE * 2.0 ** min(gap.failures, MOST_DOUBLINGS), LONGEST_PAUSE)
    return evolve(gap, due=now + pause, failures=gap.failures + 1)

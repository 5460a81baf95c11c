"""What is looked through after a gap, in which order, and what of the live events waits for it. Pure.

Where something was said while nobody listened, a platform is asked what it was, place by place; platforms let that be
done only so often. What comes live meanwhile is held up by its own place alone, and not for ever. Whatever somebody
waits for is looked through first.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from math import inf
from typing import TypeAlias

from attrs import evolve, frozen

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds until a place is asked for again whose look failed; longer if its platform says so."""
LONGEST_WAIT = 300.0
"""Seconds that a live event waits for its place: a platform may fail to tell its history for ever, and be heard."""
MOST_DOUBLINGS = 16


@frozen(kw_only=True)
class Gap:
    """A place that is to be looked through."""

    last: str
    """The message after which it begins."""
    wanted: float = inf
    """When the first live event began to wait for it, in seconds of the loop; infinite: none waits."""
    due: float = 0.0
    """When it may be looked through, in seconds of the loop."""
    failures: int = 0
    gave_way: bool = False
    """Does nothing wait for it any more? What is missing there is told later than what came after it, but not lost."""


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
class GiveWay:
    """Take in what waits for *place*, though it was not looked through."""

    place: str


@frozen
class Rest:
    """There is nothing to do for so many *seconds*; infinite: until there is news."""

    seconds: float


def shut(gaps: Gaps) -> frozenset[str]:
    """The places that live events wait for."""
    return frozenset(place for place, gap in gaps.items() if not gap.gave_way)


def gate(shut: Container[str], places: Sequence[str]) -> Now | After:
    """What a live event waits for that belongs to *places*, the widest first."""
    return next((After(place) for place in places if place in shut), Now())


def overdue(gaps: Gaps, now: float) -> GiveWay | Rest:
    """Which place has to give way at *now*, as it was waited for too long; or when that may be."""
    waits = {place: gap.wanted + LONGEST_WAIT for place, gap in gaps.items() if not gap.gave_way}
    first = min(waits, key=lambda place: waits[place], default=None)
    if first is None or waits[first] > now:
        return Rest((inf if first is None else waits[first]) - now)
    return GiveWay(first)


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

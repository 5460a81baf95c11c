"""What is old enough to go? Pure: the store and the disk say what there is, this file judges, the chores remove.

Nothing goes because of its age alone: whatever somebody may still ask for stays, however old it is. And a wall clock
that was just set is no witness to any age.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

from attrs import frozen

STEADY_FOR = timedelta(minutes=10)
"""For as long, the wall clock has to have gone as clocks go before it is believed."""
MOST_DRIFT = timedelta(minutes=5)
"""What the wall clock may gain or lose between two looks: more, and it was set, or the machine was asleep."""
LEFT_OVER_AFTER = timedelta(hours=1)
"""Whoever ends an epoch removes its folder within seconds; one that is still there after this long was forgotten."""


@frozen(kw_only=True)
class RetentionPolicy:
    """How long what is kept."""

    messages: timedelta = timedelta(days=365)
    """Settled messages, in and out, with all that belongs to them, and drops."""
    logs: timedelta = timedelta(days=30)
    """What sandboxes said on standard error."""
    audit: timedelta = timedelta(days=1_095)
    """Records of what was done by whoever has a say."""


class Kept(Enum):
    """Why something stays. The value is for people."""

    OPEN = "it is not settled"
    NEEDED = "something that is not over refers to it"
    SHOWN = "its agent is still shown it, or its number comes next"
    UNRESOLVED = "it failed, and nobody has dealt with it"
    YOUNG = "it is not old enough"


@frozen
class Keep:
    """It stays."""

    why: Kept


@frozen
class Remove:
    """It may go."""

    age: timedelta


Verdict: TypeAlias = Keep | Remove


@frozen(kw_only=True)
class Settled:
    """Something that is recorded, and what still leans on it."""

    at: datetime | None
    """When it was settled; None: it is not."""
    needed: bool = False
    shown: bool = False
    unresolved: bool = False


def decide(record: Settled, keep: timedelta, *, now: datetime) -> Verdict:
    """May *record* go, if such things are kept for *keep*? At that very age it may."""
    if record.at is None:
        return Keep(Kept.OPEN)
    if record.needed:
        return Keep(Kept.NEEDED)
    if record.shown:
        return Keep(Kept.SHOWN)
    if record.unresolved:
        return Keep(Kept.UNRESOLVED)
    age = now - record.at
    return Remove(age) if age >= keep else Keep(Kept.YOUNG)


@frozen
class Pace:
    """How the wall clock has gone, held against one that nobody sets. Seconds are those of the latter."""

    wall: datetime
    seconds: float
    since: float
    """Since when the two have gone alike."""


def first_pace(wall: datetime, seconds: float) -> Pace:
    """Nothing is known of the clock yet."""
    return Pace(wall, seconds, seconds)


def paced(before: Pace, wall: datetime, seconds: float) -> Pace:
    """The two clocks were looked at again."""
    drift = (wall - before.wall) - timedelta(seconds=seconds - before.seconds)
    return Pace(wall, seconds, seconds if abs(drift) > MOST_DRIFT else before.since)


def is_steady(pace: Pace) -> bool:
    """Can the wall clock be believed about ages?"""
    return timedelta(seconds=pace.seconds - pace.since) >= STEADY_FOR

"""A hop of a message's way, and how it went. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import frozen


class Mark(Enum):
    """How a hop went."""

    GOOD = "good"
    NOTE = "note"  # worth knowing, and no fault
    WAITS = "waits"
    BAD = "bad"


@frozen(kw_only=True)
class Hop:
    """One step of the way."""

    name: str
    mark: Mark
    at: datetime | None
    """When it happened, or will."""
    words: str
    mend: str = ""
    """What to do about it; empty where there is nothing to do."""


def span(start: datetime | None, end: datetime | None) -> str:
    """How long that is, for people, with a blank behind it; empty if nobody knows."""
    if start is None or end is None:
        return ""
    seconds = max(0.0, (end - start).total_seconds())
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms "
    if seconds < 120:
        return f"{seconds:.1f} s "
    minutes = seconds / 60
    return f"{minutes:.0f} min " if minutes < 120 else f"{minutes / 60:.1f} h "

"""What holds something up: the reason as one word of a list, how bad it is, a sentence, and what mends it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from attrs import frozen

from nanoclaw.core.why_hops import Mark


class Reason(Enum):
    """Why, in a word or three: what overviews sort, filter and count by."""

    RESTS = "rests"
    AT_WORK = "at work"
    TOOL = "long tool"  # it has asked for the time
    QUIET = "shows no life"
    MUTE = "no answer"  # its runner does not answer the host's ring
    STUCK = "stuck"  # a limit was reached: it is being ended
    NOT_TAKEN = "not taken up"
    RATE_LIMIT = "rate limit"
    BUDGET = "budget used up"
    QUESTION = "waits for an answer"
    APPROVAL = "waits for approval"
    STARTING = "starting"
    NO_PLACE = "waits for a place"
    PARKED = "parked"
    FAILED = "cannot start"
    DISK_FULL = "disk full"
    NO_ACTOR = "nobody works on it"
    LATER = "waits for a time"
    ON_HOLD = "paused"
    GAVE_UP = "given up"
    DEAD = "reply dead"
    IN_DOUBT = "reply in doubt"
    SENDING = "sending"
    SENT_LATER = "sent again later"
    BEHIND = "behind another"
    CHANNEL_DOWN = "channel down"
    NO_CHANNEL = "no such channel"
    NOBODY = "nobody there"
    NO_WAY_OUT = "no way out"
    LIMIT = "over a limit"
    HEARS = "hears"
    OFF = "off"


@frozen(kw_only=True)
class Hold:
    """What something is at, or what holds it up."""

    reason: Reason
    mark: Mark
    words: str
    mend: str = ""
    """What to do about it; empty where there is nothing to do."""


def good(reason: Reason, words: str) -> Hold:
    """All is well with it."""
    return Hold(reason=reason, mark=Mark.GOOD, words=words)


def waits(reason: Reason, words: str, mend: str = "") -> Hold:
    """It waits for something that has a name."""
    return Hold(reason=reason, mark=Mark.WAITS, words=words, mend=mend)


def bad(reason: Reason, words: str, mend: str) -> Hold:
    """It wants to be looked at."""
    return Hold(reason=reason, mark=Mark.BAD, words=words, mend=mend)


def ago(seconds: float) -> str:
    """A span for people, as short as it can be said."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def at(moment: datetime) -> str:
    """A time for people."""
    return f"{moment:%H:%M:%S} UTC"


def left_out(not_shown: Mapping[str, int]) -> str:
    """How much is open besides what is shown, as what ends a sentence; empty: nothing is."""
    kinds = [f"{count:,} more {name}" for name, count in not_shown.items()]
    return f"; {', '.join(kinds)} open and not shown" if kinds else ""

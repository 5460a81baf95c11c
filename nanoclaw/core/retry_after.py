"""How long a platform asks us to wait, in whichever of its forms it says so. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

LONGEST = 86_400.0
"""Seconds; whoever asks for more is asked again after a day."""
_MILLISECONDS = 1_000.0
_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0}
_CLOCK = re.compile(r"\b(?:in|for|after) (\d{1,2}):(\d\d):(\d\d)\b", re.ASCII | re.IGNORECASE)
_SPAN = re.compile(
    r"\b(?:in|for|after) (\d{1,6}) ?(s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b", re.ASCII | re.IGNORECASE
)


def retry_after(headers: Mapping[str, str], body: object = None, *, now: datetime) -> float | None:
    """The longest wait that an answer asks for, in seconds; None: it asks for none that makes sense.

    Args:
      headers: The answer's, by names in small letters.
      body: Its JSON, where it has one.
      now: What a date is compared with, where the answer does not say what time it has.
    """
    asked = [seconds for seconds in _asked(headers, body, now) if isfinite(seconds) and seconds >= 0]
    return min(max(asked), LONGEST) if asked else None


def _asked(headers: Mapping[str, str], body: object, now: datetime) -> Iterator[float]:
    yield from _seconds(headers.get("retry-after"))
    yield from _until(headers.get("retry-after"), headers.get("date"), now)
    yield from _seconds(headers.get("x-ratelimit-reset-after"))
    if not isinstance(body, Mapping):
        return
    yield from _seconds(body.get("retry_after"))
    for milliseconds in _seconds(body.get("retry_after_ms")):
        yield milliseconds / _MILLISECONDS
    if isinstance(more := body.get("parameters"), Mapping):
        yield from _seconds(more.get("retry_after"))


def _seconds(said: object) -> Iterator[float]:
    """A number, or the text of one."""
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return
    try:
        yield float(said)
    except (ValueError, OverflowError):
        return


def _until(said: str | None, date: str | None, now: datetime) -> Iterator[float]:
    """A date of HTTP. It is the other's clock that it is measured by, where that is told."""
    then = date_in(said)
    if then is not None:
        yield max(0.0, (then - (date_in(date) or now)).total_seconds())


def wait_in_words(said: str) -> float | None:
    """The wait that a sentence names, in seconds, such as `greylisted for 5 minutes` or `come back in 00:04:59`.

    None: it names none. SMTP has no other place for it.
    """
    if (clock := _CLOCK.search(said)) is not None:
        hours, minutes, seconds = (int(one) for one in clock.groups())
        return min(hours * 3_600.0 + minutes * 60 + seconds, LONGEST)
    found = _SPAN.search(said)
    return None if found is None else min(int(found[1]) * _UNITS[found[2][0].lower()], LONGEST)


def date_in(said: str | None) -> datetime | None:
    """The date of HTTP that a header says; None: it says none."""
    if said is None or not any(character.isalpha() for character in said):
        return None
    try:
        found = parsedate_to_datetime(said)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found

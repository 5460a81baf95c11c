"""A time as people say it: so long ago, or a date. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from attrs import frozen

_AGO = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@frozen
class BadTime:
    """It is no time."""

    why: str


def read_since(text: str, *, now: datetime, zone: tzinfo) -> datetime | BadTime:
    """The time that *text* means: `12h`, `7d`; or a date, perhaps with a time of day, on the clock of *zone*."""
    said = text.strip()
    bad = BadTime(f"{said!r} is no time: 90m, 12h, 7d and 4w are, so long ago, and dates such as 2026-11-01")
    try:
        if ago := _AGO.fullmatch(said):
            return now - int(ago[1]) * _UNITS[ago[2]]
        found = datetime.fromisoformat(said)
        return (found if found.tzinfo is not None else found.replace(tzinfo=zone)).astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        return bad

"""Times as they are stored: UTC, ISO 8601, milliseconds, `Z`. One fixed width, so text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


def write_time(when: datetime) -> str:
    """The stored form of *when*. Raises `ValueError` for a time without a zone, or outside the years of UTC."""
    if when.tzinfo is UTC:
        return _write_utc(when)
    if when.tzinfo is None:
        raise ValueError(f"time without a zone: {when!r}")
    try:
        utc = when.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"outside the years that can be stored: {when!r}") from None
    return _write_utc(utc)


# The rows of one transaction share their time. Only of UTC: elsewhere, the two times of a fold count as equal.
@lru_cache(maxsize=4096)
def _write_utc(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=4096)
def read_time(text: str) -> datetime:
    """A time stored by us, in UTC. Raises `ValueError` for anything but the stored form.

    A time in another form is a bug in whatever wrote it; guessing its zone would only move the failure.
    """
    when = datetime.fromisoformat(text)
    if when.tzinfo is None or write_time(when) != text:
        raise ValueError(f"not a stored time: {text!r}")
    return when


def normalise_time(text: str) -> str:
    """The stored form of a time that came from a sandbox or an import.

    SQLite's own form (`2026-04-16 14:37:00`, without a zone) is UTC, as SQLite means it.
    Raises `ValueError` for what is no time.
    """
    when = datetime.fromisoformat(text)
    return write_time(when.replace(tzinfo=UTC) if when.tzinfo is None else when)

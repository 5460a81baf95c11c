"""Backups: what they are called, which of them are kept, and when the next is due. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

NAME = re.compile(r"nanoclaw-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)\.tar\.gz")
TIME = "%Y-%m-%dT%H-%M-%SZ"


def name_of(moment: datetime) -> str:
    """What a backup of that moment is called, to the second."""
    return f"nanoclaw-{moment.astimezone(UTC).strftime(TIME)}.tar.gz"


def moment_of(name: str) -> datetime | None:
    """When a backup of that name was made; None: it is no name of ours."""
    found = NAME.fullmatch(name)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1], TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def newest_first(names: Iterable[str]) -> tuple[str, ...]:
    """Those of *names* that are ours."""
    return tuple(sorted((name for name in names if moment_of(name) is not None), reverse=True))


def too_many(names: Iterable[str], *, keep: int) -> tuple[str, ...]:
    """Those of *names* that go when *keep* are kept: the oldest. What has a name of somebody else's stays."""
    return newest_first(names)[keep:]


def pause_before_next(names: Iterable[str], *, every: timedelta, now: datetime) -> timedelta:
    """How long to wait for the next backup; nothing, if there is none or the last is *every* old.

    One that says it comes from the future counts as made now: else a clock that was wrong would stop them for years.
    """
    moments = [moment for name in names if (moment := moment_of(name)) is not None]
    past = [moment for moment in moments if moment <= now]
    if not past:
        return every if moments else timedelta(0)
    return max(timedelta(0), max(past) + every - now)

"""Wall clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import trio
from trio.testing import MockClock

from nanoclaw.kit.clock import Clock, SystemClock, TrioClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_a_trio_clock_follows_trios_time(autojump_clock: MockClock) -> None:
    await trio.sleep(100)
    clock = TrioClock(NOON)
    assert clock.now() == NOON
    await trio.sleep(90.5)
    assert clock.now() == NOON + timedelta(seconds=90.5)


async def test_times_are_cut_to_milliseconds(autojump_clock: MockClock) -> None:
    clock = TrioClock(NOON)
    await trio.sleep(0.0129)
    assert clock.now() == NOON + timedelta(milliseconds=12)


async def test_a_start_elsewhere_becomes_utc() -> None:
    clock = TrioClock(NOON.astimezone(timezone(timedelta(hours=5))))
    assert clock.now().tzinfo is UTC
    assert clock.now().hour == 12


async def test_a_start_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        TrioClock(NOON.replace(tzinfo=None))


def test_the_system_clock_is_aware_and_whole_in_milliseconds() -> None:
    clock: Clock = SystemClock()
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    now = clock.now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0

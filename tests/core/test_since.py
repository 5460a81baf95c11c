"""Times as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from nanoclaw.core.since import BadTime, read_since

NOW = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Vienna")


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        (" 12h ", NOW - timedelta(hours=12)),
        ("7d", NOW - timedelta(days=7)),
        ("4w", NOW - timedelta(weeks=4)),
        ("2026-04-01", datetime(2026, 3, 31, 22, tzinfo=UTC)),
        ("2026-04-01 10:00", datetime(2026, 4, 1, 8, tzinfo=UTC)),
        ("2026-04-01T10:00Z", datetime(2026, 4, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_time_is_so_long_ago_or_a_date_on_the_zones_clock(text: str, when: datetime) -> None:
    assert read_since(text, now=NOW, zone=ZONE) == when


@pytest.mark.parametrize("text", ["", "yesterday", "-1d", "7", "7y", "999999w", "2026-13-01", "0001-01-01"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    found = read_since(text, now=NOW, zone=ZONE)
    assert isinstance(found, BadTime)
    assert "2026-11-01" in found.why

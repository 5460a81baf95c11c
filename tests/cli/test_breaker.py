"""Starts that did not end well are remembered in a file, and a file that is broken is no start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nanoclaw.cli.breaker import FILE, Breaker

NOW = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)


def test_starts_are_counted_until_one_ends_well(tmp_path: Path) -> None:
    run = tmp_path / "run"
    seconds = [Breaker.of(run).begin(now=NOW + number * timedelta(minutes=1)).pause.seconds for number in range(4)]
    assert seconds == [0, 0, 10, 30]
    Breaker.of(run).ended_well()
    Breaker.of(run).ended_well()
    assert Breaker.of(run).begin(now=NOW).attempt == 1


@pytest.mark.parametrize(
    "text",
    ["", "no", "[]", "{}", '{"attempt": "3", "at": "2026-04-16T14:37:00.000Z"}', '{"attempt": 3, "at": 5}'],
)
def test_a_note_that_is_none_counts_for_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert Breaker.of(tmp_path).begin(now=NOW).attempt == 1

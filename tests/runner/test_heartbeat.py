"""A sign of life is a file whose time changes."""

from __future__ import annotations

import os
from pathlib import Path

from runner.heartbeat import beat


def test_a_beat_changes_the_time(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    file.touch()
    os.utime(file, (1, 1))
    beat(str(file))
    assert file.stat().st_mtime > 1


def test_the_first_beat_makes_the_file(tmp_path: Path) -> None:
    beat(str(tmp_path / "heartbeat"))
    assert (tmp_path / "heartbeat").stat().st_mode & 0o777 == 0o600

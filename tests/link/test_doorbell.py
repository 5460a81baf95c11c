"""The doorbell's two files: only times are compared, and whatever else lies there is no answer."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from nanoclaw.link.doorbell import answer, ring
from nanoclaw.link.layout import SessionLayout
from schema.files import ANSWER, DOORBELL


@pytest.fixture
def layout(tmp_path: Path) -> SessionLayout:
    layout = SessionLayout(tmp_path / "session")
    layout.make_epoch(1)
    return layout


def test_each_ring_is_a_new_time_that_everybody_can_see(layout: SessionLayout) -> None:
    first = ring(layout.in_dir)
    bell = layout.in_dir / DOORBELL
    assert bell.stat().st_mtime_ns == first
    assert stat.S_IMODE(bell.stat().st_mode) & 0o444
    os.utime(bell, (1, 1))
    second = ring(layout.in_dir)
    assert second is not None
    assert second > 1_000_000_000
    assert bell.read_bytes() == b""


def test_an_answer_is_the_time_of_the_ring(layout: SessionLayout) -> None:
    with layout.open_out(1) as out:
        assert answer(out) is None
        rung = ring(layout.in_dir)
        assert rung is not None
        path = layout.out_dir(1) / ANSWER
        path.touch()
        os.utime(path, ns=(rung, rung))
        assert answer(out) == rung


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("heartbeat")])
def test_only_a_plain_file_is_an_answer(layout: SessionLayout, make: Callable[[Path], None]) -> None:
    make(layout.out_dir(1) / ANSWER)
    with layout.open_out(1) as out:
        assert answer(out) is None


def test_where_the_disk_would_not_nobody_was_rung_at(layout: SessionLayout) -> None:
    (layout.in_dir / DOORBELL).mkdir()
    assert ring(layout.in_dir) is None
    assert ring(layout.in_dir / "missing") is None

"""The share of memory that is free, as the kernel says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoclaw.kit.memory import free_share


def test_it_is_what_is_available_of_all(tmp_path: Path) -> None:
    source = tmp_path / "meminfo"
    source.write_text("MemTotal:       2000 kB\nMemFree:  1 kB\nMemAvailable:    500 kB\nHugePages_Total:       0\n")
    assert free_share(source) == 0.25


@pytest.mark.parametrize("text", ["", "MemTotal: 5 kB\n", "MemTotal: 0 kB\nMemAvailable: 0 kB\n", "MemTotal: x\n"])
def test_where_the_kernel_does_not_say_nobody_knows(tmp_path: Path, text: str) -> None:
    source = tmp_path / "meminfo"
    source.write_text(text)
    assert free_share(source) is None
    assert free_share(tmp_path / "none") is None


def test_this_machine_says_it() -> None:
    share = free_share()
    assert share is not None
    assert 0 < share < 1

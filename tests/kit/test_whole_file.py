"""A file that is put in a folder is whole, and what was there stays if it cannot be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nanoclaw.kit.whole_file import put


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_it_takes_the_place_of_the_old_one_with_its_mode_whatever_a_dead_host_has_left(
    folder: int, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / ".a.new").write_text("half of some")
    put(folder, "a", b"new", mode=0o640)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert ((tmp_path / "a").read_text(), (tmp_path / "a").stat().st_mode & 0o777) == ("new", 0o640)


def test_where_it_cannot_be_put_the_old_one_stays_and_nothing_is_left(folder: int, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        put(folder, "a", b"new", mode=0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_it_follows_no_link(folder: int, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mine")
    (tmp_path / "a").symlink_to("outside")
    (tmp_path / ".a.new").symlink_to("outside")
    put(folder, "a", b"new", mode=0o600)
    assert (tmp_path / "outside").read_text() == "mine"
    assert not (tmp_path / "a").is_symlink()

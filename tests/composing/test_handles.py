"""Folders by descriptor: no link is followed, nothing is replaced that has content, and a reader sees whole files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nanoclaw.composing import handles


def test_a_folder_is_made_with_its_mode_or_held_as_it_is(tmp_path: Path) -> None:
    for _ in range(2):
        with handles.folder(tmp_path / "new", mode=0o711) as held:
            assert os.fstat(held).st_ino == (tmp_path / "new").stat().st_ino
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o711


def test_a_link_to_a_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match=r"Not a directory|symbolic"), handles.folder(tmp_path / "link"):
        pass


def test_a_folder_whose_owner_took_its_rights_away_is_held_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o000)
    with handles.folder(tmp_path / "shut") as held:
        assert handles.names(held) == []


def test_publishing_says_whether_anything_changed_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    with handles.folder(tmp_path) as held:
        assert handles.publish(held, "a", b"one")
        assert not handles.publish(held, "a", b"one")
        assert handles.publish(held, "a", b"longer")
        assert handles.publish(held, "a", b"")
        assert not handles.publish(held, "a", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_publishing_over_a_folder_fails_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with handles.folder(tmp_path) as held, pytest.raises(IsADirectoryError):
        handles.publish(held, "a", b"one")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_only_plain_files_of_bounded_size_are_read(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("plain")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    with handles.folder(tmp_path) as held:
        assert handles.read_file(held, "plain", most=5) == b"12345"
        assert handles.read_file(held, "plain", most=4) is None
        for name in ("link", "fifo", "folder", "nothing"):
            assert handles.read_file(held, name, most=5) is None


def test_other_files_of_a_hosts_folder_are_removed_and_folders_left(tmp_path: Path) -> None:
    for name in ("keep", "remove"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    with handles.folder(tmp_path) as held:
        handles.remove_others(held, {"keep"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "keep"]


def test_moving_aside_what_is_not_there_does_nothing(tmp_path: Path) -> None:
    with handles.folder(tmp_path) as held:
        assert handles.move_aside(held, "a") is None

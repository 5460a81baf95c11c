"""The folders of epochs on the disk: all of them are found, nothing else is, and removing one touches no other."""

from __future__ import annotations

from pathlib import Path

from nanoclaw.link.epoch_folders import EpochFolder, epoch_folders
from nanoclaw.link.layout import SessionLayout
from nanoclaw.model.ids import EpochNumber, SessionId


def test_a_home_without_sessions_has_none(tmp_path: Path) -> None:
    assert epoch_folders(tmp_path / "sessions") == []
    (tmp_path / "sessions").mkdir()
    assert epoch_folders(tmp_path / "sessions") == []


def test_every_sessions_folders_are_found_and_only_numbers_are_epochs(tmp_path: Path) -> None:
    one, two = SessionLayout(tmp_path / "agt" / "one"), SessionLayout(tmp_path / "other" / "two")
    for epoch in (10, 9):
        one.make_epoch(epoch)
    two.make_epoch(1)
    (one.root / "out" / "x").mkdir()
    (one.root / "out" / "\u0663").mkdir()
    (tmp_path / "agt" / "none").mkdir()
    (tmp_path / "agt" / "file").touch()
    (tmp_path / "file").touch()
    assert sorted(epoch_folders(tmp_path), key=lambda found: found.path) == [
        EpochFolder(SessionId("one"), EpochNumber(10), one.out_dir(10)),
        EpochFolder(SessionId("one"), EpochNumber(9), one.out_dir(9)),
        EpochFolder(SessionId("two"), EpochNumber(1), two.out_dir(1)),
    ]


def test_one_is_removed_and_the_others_stay(tmp_path: Path) -> None:
    layout = SessionLayout(tmp_path / "agt" / "one")
    for epoch in (1, 2):
        layout.make_epoch(epoch)
    first, second = sorted(epoch_folders(tmp_path), key=lambda found: found.epoch)
    first.remove()
    first.remove()
    assert epoch_folders(tmp_path) == [second]

"""A backup has everything in it that a home needs, and nothing that an agent would like to have in it."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from nanoclaw.backups import folders, making
from nanoclaw.core.backup_contents import Contents
from nanoclaw.errors import BackupError
from nanoclaw.model.files import Attachment
from nanoclaw.model.ids import EventId, SpoolId
from nanoclaw.store import files
from schema.sqlite import scalar
from tests.backups.home import filled, opened
from tests.support.central import NOW, said

NAME = "nanoclaw-2026-04-16T14-37-00Z.tar.gz"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return filled(tmp_path / "home")


def make(home: Path) -> making.Made:
    return making.make(home, home / "backups", now=NOW)


def skipped(contents: Contents) -> dict[str, str]:
    return {one.path: one.why for one in contents.skipped}


def test_a_backup_has_the_truth_the_settings_and_the_files_of_agents_and_no_key(home: Path) -> None:
    made = make(home)
    assert made.path == home / "backups" / NAME
    assert set(made.contents.files) == {
        "nanoclaw.db",
        "nanoclaw.toml",
        "groups/nano/notes.md",
        "groups/nano/tool.sh",
        "state/agt-nano/model.json",
    }
    assert made.contents.install == "home-1"
    assert not made.contents.skipped
    assert b"the key" not in made.path.read_bytes()
    with tarfile.open(made.path) as tar:
        assert "groups/nano/here" in tar.getnames(), "a link is there, and where it leads is not"


def test_only_its_owner_can_read_it_and_nothing_else_is_left_beside_it(home: Path) -> None:
    made = make(home)
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert sorted(entry.name for entry in (home / "backups").iterdir()) == [".lock", NAME]


def test_what_a_message_needs_of_the_spool_comes_along_and_nothing_else_of_it(home: Path) -> None:
    (home / "spool" / "file-1").write_text("the picture")
    (home / "spool" / "file-2").write_text("of a message that is not stored yet")
    with opened(home) as world:
        world.accept(said())
        event = EventId(str(scalar(world.conn, "SELECT id FROM events")))
        files.keep(world.conn, [_attachment(event, 0, "file-1"), _attachment(event, 1, "file-9")])
    made = make(home)
    assert [name for name in made.contents.files if name.startswith("spool/")] == ["spool/file-1"]
    assert skipped(made.contents) == {"spool/file-9": "it is not in the spool"}


def test_what_cannot_come_along_is_skipped_and_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = home / "groups" / "nano"
    os.mkfifo(work / "pipe")
    with (work / "hole").open("wb") as file:
        file.truncate(folders.LEAST_HOLE + 1)
    monkeypatch.setattr(folders, "DEEPEST", 3)
    (work / "a" / "b" / "c" / "d").mkdir(parents=True)
    found = skipped(make(home).contents)
    assert found == {
        "groups/nano/hole": "most of it is a hole",
        "groups/nano/pipe": "it is a device, a pipe or a socket",
        "groups/nano/a/b/c": "it is nested more than 3 folders deep",
    }


def test_a_folder_that_became_a_link_leads_nowhere(home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "shadow").write_text("secret of the host")
    (home / "groups" / "other").symlink_to(tmp_path / "elsewhere")
    made = make(home)
    assert not [name for name in made.contents.files if "shadow" in name]


def test_a_backup_that_is_given_up_leaves_nothing(home: Path) -> None:
    def enough(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        making.make(home, home / "backups", now=NOW, told=enough)
    assert [entry.name for entry in (home / "backups").iterdir()] == [".lock"]


def test_what_a_killed_backup_left_goes_with_the_next(home: Path) -> None:
    (home / "backups" / making.WORK / "spool").mkdir(parents=True)
    (home / "backups" / f".{NAME}.part").write_text("half")
    make(home)
    assert sorted(entry.name for entry in (home / "backups").iterdir()) == [".lock", NAME]


def test_two_are_not_made_at_once(home: Path) -> None:
    def another(_: int) -> None:
        with pytest.raises(BackupError, match="another backup is being made"):
            make(home)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        making.make(home, home / "backups", now=NOW, told=another)


def test_a_disk_that_is_almost_full_gets_no_backup(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "LEAST_FREE", 1 << 60)
    with pytest.raises(BackupError, match=r"are free at .*: make room, or use --to"):
        make(home)
    assert making.there_are(home / "backups") == ()


def test_a_home_without_a_truth_has_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="nothing to back up"):
        make(tmp_path / "nothing")


def test_the_oldest_go_and_what_is_no_backup_stays(home: Path) -> None:
    folder = home / "backups"
    for day in range(1, 5):
        (folder / f"nanoclaw-2026-04-0{day}T00-00-00Z.tar.gz").touch()
    (folder / "mine.tar.gz").touch()
    gone = making.prune(folder, keep=3)
    assert [path.name for path in gone] == ["nanoclaw-2026-04-01T00-00-00Z.tar.gz"]
    assert (folder / "mine.tar.gz").exists()


def _attachment(event: EventId, position: int, spool_id: str) -> Attachment:
    return Attachment(
        event_id=event,
        position=position,
        name=f"{position}.png",
        mime_type=None,
        size=11,
        digest="0" * 64,
        spool_id=SpoolId(spool_id),
    )

"""A home that is brought to newer tables is backed up first, and an older nanoclaw can go on from that."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nanoclaw.backups import making
from nanoclaw.backups.before_upgrade import back_up_before_upgrade
from nanoclaw.errors import BackupError
from nanoclaw.store.home import make_folders
from nanoclaw.store.opening import open_writer
from schema import files
from tests.backups.home import filled
from tests.support.central import NOW


def older(home: Path, missing: int = 2) -> Path:
    """A home of a nanoclaw that knew fewer tables."""
    home.mkdir()
    make_folders(home)
    open_writer(home / "nanoclaw.db", migrations=files.central_ddl()[:-missing]).close()
    return home


def test_an_older_home_is_backed_up_as_it_is(tmp_path: Path) -> None:
    home = older(tmp_path / "home")
    made = back_up_before_upgrade(home, home / "backups", now=NOW)
    assert made is not None
    assert made.contents.tables == len(files.central_ddl()) - 2
    open_writer(home / "nanoclaw.db").close()
    assert making.check(made.path).tables == made.contents.tables, "it still has the tables of before"
    assert back_up_before_upgrade(home, home / "backups", now=NOW) is None


@pytest.mark.parametrize("tables", range(1, len(files.central_ddl())))
def test_a_home_of_any_older_nanoclaw_is_backed_up_with_all_that_is_in_its_spool(tmp_path: Path, tables: int) -> None:
    home = older(tmp_path / "home", missing=len(files.central_ddl()) - tables)
    (home / "spool" / "file-1").write_text("what somebody sent")
    made = back_up_before_upgrade(home, home / "backups", now=NOW)
    assert made is not None
    assert made.contents.tables == tables
    assert "spool/file-1" in made.contents.files


def test_a_start_that_fails_again_and_again_makes_one_backup_and_a_home_that_changed_another(tmp_path: Path) -> None:
    home = older(tmp_path / "home")
    changed = datetime.fromtimestamp((home / "nanoclaw.db").stat().st_mtime, UTC)
    times = [changed + timedelta(seconds=seconds) for seconds in (5, 6, 7)]
    assert back_up_before_upgrade(home, home / "backups", now=times[0]) is not None
    assert back_up_before_upgrade(home, home / "backups", now=times[1]) is None
    os.utime(home / "nanoclaw.db", (times[1].timestamp(), times[1].timestamp()))
    assert back_up_before_upgrade(home, home / "backups", now=times[2]) is not None


@pytest.mark.parametrize("what", ["nothing", "today's", "no database"])
def test_any_other_home_needs_no_backup(tmp_path: Path, what: str) -> None:
    home = tmp_path / "home"
    if what == "today's":
        filled(home)
    elif what == "no database":
        home.mkdir()
        (home / "nanoclaw.db").write_text("my shopping list" * 99)
    assert back_up_before_upgrade(home, home / "backups", now=NOW) is None


def test_where_no_backup_can_be_made_the_home_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = older(tmp_path / "home")
    monkeypatch.setattr(making, "LEAST_FREE", 1 << 60)
    with pytest.raises(BackupError, match="make room"):
        back_up_before_upgrade(home, home / "backups", now=NOW)

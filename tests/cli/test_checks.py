"""`doctor` finds what is wrong with a home, and what it says to do about it mends it when it is typed."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from nanoclaw.backups import making
from nanoclaw.cli import checks
from nanoclaw.cli.main import cli
from nanoclaw.config import Config
from nanoclaw.settings import MountsSettings
from nanoclaw.store import swapping
from nanoclaw.store.home import held
from schema.sqlite import execute
from schema.times import write_time
from tests.backups.home import opened
from tests.cli.checked_home import Plant, healthy, wrong
from tests.support.central import NOW


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    config = healthy(tmp_path)
    monkeypatch.setenv("NANOCLAW_HOME", str(config.home))
    return config


def test_a_home_with_nothing_wrong_is_well(config: Config) -> None:
    assert wrong(config) == []
    marks = {finding.check: finding.mark for finding in checks.examine(config, now=NOW).findings}
    assert marks["database"] == marks["backups"] == marks["watch"] == "well"
    assert marks["host"] == "note"


def test_a_home_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    nothing = Config(home=tmp_path / "none", mounts=MountsSettings(allow_list=str(tmp_path / "mounts.toml")))
    assert wrong(nothing) == []
    assert not nothing.home.exists()


def others_enter(config: Config, _: pytest.MonkeyPatch) -> None:
    config.home.chmod(0o755)


def others_write_the_truth(config: Config, _: pytest.MonkeyPatch) -> None:
    config.database.chmod(0o666)


def others_write_the_settings(config: Config, _: pytest.MonkeyPatch) -> None:
    (config.home / "nanoclaw.toml").chmod(0o622)


def others_read_a_key(config: Config, _: pytest.MonkeyPatch) -> None:
    (config.home / "secrets" / "anthropic.json").chmod(0o644)


def a_key_file_is_broken(config: Config, _: pytest.MonkeyPatch) -> None:
    (config.home / "secrets" / "anthropic.json").write_text("{")


def no_backup_for_long(config: Config, _: pytest.MonkeyPatch) -> None:
    with opened(config.home) as world:
        execute(world.conn, "UPDATE home SET created_at = ?", (write_time(NOW - timedelta(days=30)),))
    making.prune(config.backups_folder, keep=0)


def an_old_backup(config: Config, _: pytest.MonkeyPatch) -> None:
    (old,) = making.there_are(config.backups_folder)
    old.rename(old.with_name("nanoclaw-2026-04-01T00-00-00Z.tar.gz"))


def mounts_that_others_write(config: Config, _: pytest.MonkeyPatch) -> None:
    path = Path(config.mounts.allow_list)
    path.write_text("")
    path.chmod(0o666)


TYPED: dict[str, tuple[Plant, str, str, str]] = {
    "others enter the home": (others_enter, "home", "others can enter", "chmod 700 "),
    "others write the truth": (others_write_the_truth, "home", "nanoclaw.db", "chmod 600 "),
    "others write the settings": (others_write_the_settings, "home", "nanoclaw.toml", "chmod 600 "),
    "others read a key": (others_read_a_key, "secrets", "can be read by others", "chmod 600 "),
    "a file of keys is broken": (a_key_file_is_broken, "secrets", "anthropic.json", "mv "),
    "there was never a backup": (no_backup_for_long, "backups", "there is none", "nanoclaw backup create"),
    "the backup is old": (an_old_backup, "backups", "2026-04-01", "nanoclaw backup create"),
    "others write the list of mounts": (mounts_that_others_write, "mounts", "", "chmod 600 "),
}
"""What is planted; the check that finds it, what it says, and how what it says to do begins."""


@pytest.mark.parametrize(("plant", "check", "words", "mend"), TYPED.values(), ids=TYPED)
def test_what_it_says_to_do_mends_it(
    config: Config, monkeypatch: pytest.MonkeyPatch, plant: Plant, check: str, words: str, mend: str
) -> None:
    plant(config, monkeypatch)
    (found,) = wrong(config)
    assert found.check == check
    assert words in found.words
    assert found.mend.startswith(mend)
    typed = found.mend.partition(", then")[0]
    if typed.startswith("nanoclaw "):
        assert CliRunner().invoke(cli, typed.split()[1:]).exit_code == 0
    else:
        subprocess.run(typed.split(), check=True)
    assert wrong(config) == []


def test_a_restore_that_stands_half_way_is_ended_by_the_next_host(config: Config) -> None:
    (config.home / swapping.UNFINISHED / swapping.NEW / "groups").mkdir(parents=True)
    swapping.decide(config.home, "then")
    (found,) = [one for one in wrong(config) if one.check == "restore"]
    assert found.mend == "nanoclaw up"
    with held(config.home, now=NOW):
        assert not [one for one in wrong(config) if one.check == "restore"]

"""`doctor` finds what is wrong with a home, and what it says to do about it mends it when it is typed."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from nanoclaw.cli import checks
from nanoclaw.cli.main import cli
from nanoclaw.config import Config, load
from nanoclaw.settings import MountsSettings
from nanoclaw.store import swapping
from nanoclaw.store.home import held
from tests.cli.checked_home import Plant, healthy, wrong
from tests.cli.misconfigured import TYPED, set_in_file
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


@pytest.mark.parametrize(("plant", "check", "words", "mend"), TYPED.values(), ids=TYPED)
def test_what_it_says_to_do_mends_it(
    config: Config, monkeypatch: pytest.MonkeyPatch, plant: Plant, check: str, words: str, mend: str
) -> None:
    set_in_file(config, "mounts", f'allow_list = "{config.mounts.allow_list}"')
    plant(config, monkeypatch)
    (found,) = wrong(load(config.home))
    assert found.check == check
    assert words in found.words
    assert found.mend.startswith(mend)
    typed(found.mend.partition(", then")[0])
    assert wrong(load(config.home)) == []


def typed(command: str) -> None:
    """Type *command*, say yes where it asks, and the key where it wants one."""
    if not command.startswith("nanoclaw "):
        subprocess.run(command, shell=True, check=True)  # noqa: S602 - what people do with it
        return
    said_yes = ["--yes"] if "restore" in command or "--apply" in command else []
    done = CliRunner().invoke(cli, [*shlex.split(command)[1:], *said_yes], input="sk-ant-0123456789abcdef\n")
    assert done.exit_code == 0, done.output


def test_there_are_twenty_of_them() -> None:
    assert len(TYPED) >= 20


def test_what_repairs_have_put_aside_is_told_and_no_fault(config: Config) -> None:
    moved = config.home / "quarantine" / "2026-04-16T14-37-00Z"
    moved.mkdir(parents=True)
    (moved / "nanoclaw.db").write_bytes(bytes(3 << 20))
    assert wrong(config) == []
    (told,) = [one for one in checks.examine(config, now=NOW).findings if one.check == "left aside"]
    assert told.words == f"3 MiB; when you miss nothing: rm -r {moved}"


def test_a_restore_that_stands_half_way_is_ended_by_the_next_host(config: Config) -> None:
    (config.home / swapping.UNFINISHED / swapping.NEW / "groups").mkdir(parents=True)
    swapping.decide(config.home, "then")
    (found,) = [one for one in wrong(config) if one.check == "restore"]
    assert found.mend == "nanoclaw up"
    with held(config.home, now=NOW):
        assert not [one for one in wrong(config) if one.check == "restore"]

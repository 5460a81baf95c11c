"""`nanoclaw import` as people type it: a look first, a yes, and nothing by halves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nanoclaw.cli import exits
from nanoclaw.cli.import_home import run
from nanoclaw.config import Config
from nanoclaw.errors import HomeInUseError, UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.store.home import held
from nanoclaw.store.opening import open_writer
from nanoclaw.store.verify import verify
from schema import files, sqlite
from tests.support.v2_full_home import full_home

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return full_home(tmp_path / "old", is_new=True).folder


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(home=tmp_path / "home")


def bring(config: Config, old: Path, *, dry_run: bool = False, yes: bool = True, as_json: bool = False) -> int:
    return run(config, old, dry_run=dry_run, yes=yes, as_json=as_json)


def test_a_dry_run_shows_everything_and_writes_nothing(config: Config, old: Path, capsys: Captured) -> None:
    assert bring(config, old, dry_run=True) == exits.OK
    shown = capsys.readouterr().out
    assert "agent groups" in shown
    assert "wiring mga-7" in shown
    assert not config.home.exists()


def test_what_was_brought_is_sound_and_a_second_time_there_is_nothing_to_bring(
    config: Config, old: Path, capsys: Captured
) -> None:
    bring(config, old)
    shown = capsys.readouterr().out
    assert "brought over" in shown
    assert "nanoclaw wirings create terminal anna" in shown
    assert "3 tasks are paused" in shown
    assert "slack, telegram" in shown
    conn = sqlite.open_read_only(config.database)
    assert verify(conn, config.home, host=None, now=SystemClock().now()) == []
    before = sqlite.fetch(conn, "SELECT * FROM sessions")
    bring(config, old)
    assert sqlite.fetch(conn, "SELECT * FROM sessions") == before
    conn.close()
    assert "nothing to bring" in capsys.readouterr().out


def test_programs_get_one_object(config: Config, old: Path, capsys: Captured) -> None:
    for dry_run, applied in ((True, False), (False, True)):
        bring(config, old, dry_run=dry_run, as_json=True)
        found = json.loads(capsys.readouterr().out)
        assert found["applied"] is applied
        assert found["kinds"]["wirings"] == {"new": 6, "there": 0}
        assert len(found["folders"]) == 3
        assert {one["what"] for one in found["left"]} >= {"wiring mga-7"}


def test_nobody_to_ask_is_no_yes(config: Config, old: Path) -> None:
    with pytest.raises(UsageError, match="add --yes if you mean it, or --dry-run to look"):
        bring(config, old, yes=False)
    assert not config.database.exists()


def test_a_host_that_runs_here_has_to_stop_first(config: Config, old: Path) -> None:
    with held(config.home, now=SystemClock().now()), pytest.raises(HomeInUseError):
        bring(config, old)


def test_a_folder_that_cannot_be_copied_stops_it_before_any_row(config: Config, old: Path) -> None:
    config.home.mkdir()
    (config.home / "groups").mkdir()
    (config.home / "groups" / "bob").write_text("in the way")
    with pytest.raises(UsageError, match=r"the folder of Bob cannot be copied: .* import again"):
        bring(config, old)
    assert not config.database.exists()
    (config.home / "groups" / "bob").unlink()
    assert bring(config, old) == exits.OK


def test_a_home_of_an_older_program_is_brought_up_to_date_by_the_import_itself(config: Config, old: Path) -> None:
    config.home.mkdir()
    open_writer(config.database, migrations=files.central_ddl()[:1]).close()
    bring(config, old, dry_run=True)
    conn = sqlite.open_read_only(config.database)
    assert sqlite.integer(conn, "PRAGMA user_version") == 1
    conn.close()
    bring(config, old)
    conn = sqlite.open_read_only(config.database)
    assert sqlite.integer(conn, "SELECT count(*) FROM wirings") == 6
    conn.close()

"""`nanoclaw repair` at the command line: shows first, asks, refuses while a host runs, and says what it did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nanoclaw.cli import exits, repair
from nanoclaw.config import Config
from nanoclaw.errors import HomeInUseError, StoreError, UsageError
from nanoclaw.store.home import held
from schema.sqlite import execute, scalar
from tests.backups.home import opened
from tests.cli.checked_home import healthy
from tests.support.central import NOW


def run(config: Config, *, apply: bool = False, yes: bool = False, as_json: bool = False) -> int:
    """The command."""
    return repair.run(config, apply=apply, yes=yes, as_json=as_json)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A home in which one event was lost and a folder is left over."""
    made = healthy(tmp_path)
    with opened(made.home) as world:
        execute(
            world.conn,
            "INSERT INTO events (id, channel, platform_message_id, platform_id, mention, received_at)"
            " VALUES ('evt-lost', 'test', '77', 'room', 1, '2026-04-16T14:00:00.000Z')",
        )
    (made.home / "sessions" / "agt-gone" / "ses-gone").mkdir(parents=True)
    return made


def accounted(config: Config) -> bool:
    """Is the lost event written down?"""
    with opened(config.home) as world:
        return scalar(world.conn, "SELECT 1 FROM drops WHERE event_id = 'evt-lost'") is not None


def test_it_shows_and_changes_nothing(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    with held(config.home, now=NOW):
        assert run(config) == exits.REFUSED
    said = capsys.readouterr().out
    assert "evt-lost" in said
    assert "nanoclaw repair --apply" in said
    assert not accounted(config)
    assert (config.home / "sessions" / "agt-gone" / "ses-gone").is_dir()


def test_it_repairs_once_and_then_has_nothing_to_do(
    config: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(config, apply=True, yes=True) == exits.OK
    said = capsys.readouterr().out
    assert "nothing is wrong any more" in said
    assert accounted(config)
    (moved,) = (config.home / "quarantine").glob("*/sessions/agt-gone/ses-gone")
    assert moved.is_dir()
    assert run(config) == exits.OK
    assert run(config, apply=True) == exits.OK, "nobody is asked about nothing"
    assert "nothing to repair" in capsys.readouterr().out


def test_programs_are_told_each_step(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, as_json=True) == exits.REFUSED
    assert run(config, apply=True, yes=True, as_json=True) == exits.OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["step"], line["done"]) for line in lines] == [
        ("MendRow", False),
        ("SetAside", False),
        ("MendRow", True),
        ("SetAside", True),
    ]


def test_it_refuses_while_a_host_runs_and_where_nobody_says_yes(config: Config) -> None:
    with held(config.home, now=NOW), pytest.raises(HomeInUseError):
        run(config, apply=True, yes=True)
    with pytest.raises(UsageError, match="--yes"):
        run(config, apply=True)
    assert not accounted(config)


def test_what_cannot_be_read_is_said(config: Config, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing in"):
        run(Config(home=tmp_path / "other"))
    config.database.write_bytes(b"this is no database at all" * 1000)
    with pytest.raises(StoreError, match="backup restore"):
        run(config)

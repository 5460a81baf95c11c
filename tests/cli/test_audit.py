"""`nanoclaw audit`, and what the command line records of itself with no host there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from nanoclaw.cli.main import cli
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.store.home import held

KEY = "sk-ant-api03-canary-in-a-coal-mine"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NANOCLAW_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments: str, said: str = "") -> str:
    result = CliRunner(env={"COLUMNS": "300"}).invoke(cli, arguments, input=said)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def test_a_key_that_is_kept_and_forgotten_is_on_record_and_the_key_is_not(home: Path) -> None:
    run("secrets", "set", "anthropic", said=KEY)
    run("secrets", "remove", "anthropic")
    with pytest.raises(UsageError, match="there is no key"):
        run("secrets", "remove", "anthropic")
    lines = [json.loads(line) for line in run("audit", "--what", "secrets", "--json").splitlines()]
    assert [(one["what"], one["outcome"]) for one in lines] == [
        ("secrets set", "begun"),
        ("secrets set", "done"),
        ("secrets remove", "begun"),
        ("secrets remove", "done"),
        ("secrets remove", "begun"),
        ("secrets remove", "failed"),
    ]
    assert {(one["who"], one["on"]) for one in lines} == {("operator", "anthropic for https://api.anthropic.com")}
    assert KEY[:12] not in (home / "nanoclaw.db").read_bytes().decode(errors="replace")
    assert KEY[:12] not in str(lines)


def test_it_is_shown_for_people_by_who_by_what_and_by_time(home: Path) -> None:
    run("secrets", "set", "anthropic", said=KEY)
    shown = run("audit", "--who", "operator", "--since", "1h").splitlines()
    assert shown[1].split() == ["when", "who", "what", "on", "outcome", "what", "came", "of", "it", "digest"]
    assert [line.split()[2:5] for line in shown[3:5]] == [["operator", "secrets", "set"]] * 2
    assert "nothing of the kind" in run("audit", "--since", "2126-01-01")
    with pytest.raises(UsageError, match="--since"):
        run("audit", "--since", "lately")


def test_what_cannot_be_recorded_is_not_done(home: Path) -> None:
    """Somebody holds the home, and does not answer: a host that is starting."""
    with held(home, now=SystemClock().now()), pytest.raises(UsageError, match="cannot be recorded: try again"):
        run("secrets", "set", "anthropic", said=KEY)
    assert not (home / "secrets" / "anthropic.json").exists()


def test_a_home_without_one_is_told_to_begin(home: Path) -> None:
    with pytest.raises(UsageError, match="nanoclaw up"):
        run("audit")

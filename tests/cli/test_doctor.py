"""Which engine a host would use, and how that is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from nanoclaw.cli import doctor
from nanoclaw.cli.main import cli
from nanoclaw.config import Config
from nanoclaw.sandboxes.bubblewrap import BubblewrapEngine
from nanoclaw.sandboxes.engine import Engine, Probe, Unusable, Usable
from nanoclaw.sandboxes.process import ProcessEngine
from nanoclaw.sandboxes.runtime import find_runtime
from nanoclaw.settings import OneCliSettings
from tests.support.onecli_server import onecli_in_thread

WORKS = Usable(version="1", walls="thick", lacks="little")
FAILS = Unusable(why="it is not there", mend="apt-get install it")


def engines(strong: Probe, weak: Probe) -> Sequence[tuple[Engine, Probe]]:
    runtime = find_runtime()
    return [(BubblewrapEngine(runtime), strong), (ProcessEngine(runtime), weak)]


@pytest.mark.parametrize(
    ("strong", "weak", "wanted", "used"),
    [
        (WORKS, WORKS, "auto", ["bubblewrap"]),
        (FAILS, WORKS, "auto", ["process"]),
        (WORKS, WORKS, "process", ["process"]),
        (FAILS, WORKS, "bubblewrap", []),
        (FAILS, FAILS, "auto", []),
        (WORKS, WORKS, "castle", []),
    ],
)
def test_the_strongest_that_works_and_may_be_used_is(strong: Probe, weak: Probe, wanted: str, used: list[str]) -> None:
    found = doctor.judge(engines(strong, weak), wanted)
    assert [one.engine for one in found] == ["bubblewrap", "process"]
    assert [one.engine for one in found if one.used] == used


def test_looking_makes_no_home_and_says_what_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "none"
    monkeypatch.setenv("NANOCLAW_HOME", str(home))
    result = CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["doctor", "--json"])
    assert result.exit_code == 0
    found = {one["engine"]: one for one in json.loads(result.stdout)["engines"]}
    assert list(found) == ["docker", "bubblewrap", "process"]
    assert found["process"]["works"]
    assert sum(one["used"] for one in found.values()) == 1
    assert not home.exists()


def test_people_are_told_how_to_mend_what_does_not_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nanoclaw.toml").write_text("[sandbox]\nengine = 'docker'\n")
    monkeypatch.setenv("NANOCLAW_HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    result = CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["doctor"])
    assert result.exit_code == 1
    assert "✗" in result.stdout
    assert "No host can start: docker" in result.stdout


def test_people_are_told_what_is_wrong_with_onecli(tmp_path: Path) -> None:
    with onecli_in_thread(key="oc_sesame") as server:
        there = Config(home=tmp_path, onecli=OneCliSettings(url=server.url))
        (said,) = doctor.onecli_trouble(there)
        assert said.startswith("no sandbox starts while OneCLI does not let it: we may not look at its agents")
        assert "401" in said
        server.key = None
        assert doctor.onecli_trouble(there) == ()
    (said,) = doctor.onecli_trouble(there)
    assert server.url in said
    assert doctor.onecli_trouble(Config(home=tmp_path)) == ()

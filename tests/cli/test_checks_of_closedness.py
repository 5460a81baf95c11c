"""`doctor` says that a new agent is closed where it is, and finds out where it is not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import trio

from nanoclaw.app import docker_settings
from nanoclaw.cli.checks_of_closedness import closed
from nanoclaw.cli.finding import Finding
from nanoclaw.config import Config
from nanoclaw.core.egress import Policy, Rule
from nanoclaw.sandboxes.available import all_engines
from nanoclaw.settings import SandboxSettings
from nanoclaw.store.home import make_folders
from tests.support.docker_engine import TEST_IMAGE
from tests.support.engines import need
from tests.support.sampling import by_turns

AROUND_BWRAP = """#!/bin/bash
for word in "$@"; do
    [ "$word" = --unshare-all ] && words+=(--unshare-user --unshare-pid --unshare-uts --unshare-ipc) || words+=("$word")
done
exec BWRAP "${words[@]}"
"""
"""Leaves a sandbox in the network of this machine."""
WALLED = [
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
    pytest.param("docker", marks=pytest.mark.docker),
]


def look(home: Path, name: str, policy: Policy) -> Finding:
    make_folders(home)
    settings = Config(home=home, sandbox=SandboxSettings(image=TEST_IMAGE, allow_old_engine=True))

    async def ask() -> Finding:
        (engine,) = [one for one in await all_engines(docker_settings(settings, "home-probe")) if one.name == name]
        return await closed(engine, settings.run_folder, policy)

    return trio.run(ask)


@pytest.mark.parametrize("engine", by_turns(WALLED))
def test_a_new_agent_is_closed_as_seen_from_inside(tmp_path: Path, engine: str) -> None:
    need(engine)
    found = look(tmp_path, engine, Policy())
    assert (found.mark, found.check) == ("well", "closed"), found
    assert not list((tmp_path / "run").glob("probe-*"))


@pytest.mark.parametrize("engine", by_turns(WALLED))
def test_a_rule_that_new_agents_should_not_have_is_found(tmp_path: Path, engine: str) -> None:
    need(engine)
    found = look(tmp_path, engine, Policy(rules=(Rule(host="127.0.0.1", port=None, near=True),)))
    assert found.mark == "bad"
    assert "the proxy answers 200 for 127.0.0.1:" in found.words


@pytest.mark.bubblewrap
def test_walls_without_a_network_of_their_own_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("bubblewrap")
    program = tmp_path / "bin" / "bwrap"
    program.parent.mkdir()
    program.write_text(AROUND_BWRAP.replace("BWRAP", str(shutil.which("bwrap"))))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    found = look(tmp_path, "bubblewrap", Policy())
    assert found.mark == "bad"
    assert "it has a network: " in found.words
    assert "a connection to 127.0.0.1:" in found.words


def test_an_engine_without_walls_is_said_to_have_none(tmp_path: Path) -> None:
    found = look(tmp_path, "process", Policy())
    assert (found.mark, "no walls" in found.words) == ("note", True)

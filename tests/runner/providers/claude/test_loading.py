"""The SDK is loaded when it is needed, beside everything else, and never by importing the runner."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import ConfigError
from runner.model import Container, McpServer
from runner.providers.claude.options import DENIED
from runner.providers.claude.provider import ClaudeProvider, Loading, claude_provider, surroundings
from tests.runner.providers.claude.desk import Box

HEAVY = ("claude_agent_sdk", "mcp", "anyio", "pydantic")
LOOKS = f"""
import sys
import runner.app, runner.providers.registry
found = [name for name in sys.modules if name.split(".")[0] in {HEAVY}]
sys.exit(", ".join(found) if found else 0)
"""


def test_importing_the_runner_loads_none_of_the_sdk() -> None:
    ran = subprocess.run([sys.executable, "-c", LOOKS], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


async def test_a_module_is_there_when_it_is_asked_for() -> None:
    assert (await Loading("json").module()).__name__ == "json"


async def test_a_module_that_cannot_be_loaded_says_so_when_it_is_asked_for() -> None:
    loading = Loading("runner.providers.claude.not_there")
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"not_there.*: the sandbox's image was built without"):
            await loading.module()


def test_a_provider_has_what_the_group_wants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    servers = {"weather": McpServer(command="w", args=("-v",), env={"A": "b"}, instructions="Ask it.")}
    container = Container(assistant_name="Bo", model="claude-opus-5", effort="low", mcp_servers=servers)
    made = claude_provider(container, Box())
    assert isinstance(made, ClaudeProvider)
    assert (made.name, made.native_commands) == ("claude", True)


def test_an_effort_that_there_is_not_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="no effort 'huge'"):
        claude_provider(Container(effort="huge"), Box())


def test_the_folder_is_the_one_that_the_process_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert surroundings().folder == str(tmp_path)
    assert "AskUserQuestion" in DENIED

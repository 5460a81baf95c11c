"""What the tests with Claude's real command line share: how a home is set up for it, and its model made known."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from schema import sqlite
from tests.support.docker_engine import CLAUDE_IMAGE
from tests.support.engines import walls
from tests.support.host import HostProcess
from tests.support.model_api import ModelApi

KEY = "sk-ant-api03-sesame"


def settings(engine: str) -> str:
    """Of a home whose agents think with Claude."""
    agent = '[agent]\nprovider = "claude"\n[retry]\nfirst_pause_seconds = 0.05\n'
    return f"[sandbox]\n{walls(engine, image=CLAUDE_IMAGE)}{agent}"


def is_idle(outbox: Path) -> bool:
    """Does the runner's own row of what it does say that it does nothing?"""
    with closing(sqlite.open_read_only(outbox)) as conn:
        return sqlite.fetch(conn, "SELECT phase, current_tool FROM container_state") == [
            {"phase": "idle", "current_tool": None}
        ]


def introduce(host: HostProcess, model: ModelApi) -> None:
    """Let the agent's model be this one, with a key of the host's."""
    for command, typed in (
        (("secrets", "set", "anthropic", "--url", model.url), KEY),
        (("groups", "update", "main", "--base-url", model.url), ""),
    ):
        done = host.cli(*command, typed=typed)
        assert done.returncode == 0, done.stderr

"""A desk for each test, with nothing of the developer's own environment in it."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.runner.providers.claude.desk import Desk
from tests.support.model_api import open_model

FOREIGN = ("ANTHROPIC_", "CLAUDE_", "CLAUDECODE")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Desk]:
    """A desk with an empty folder, an empty home, and a model that says again what it is told."""
    for name in list(os.environ):
        if name.startswith(FOREIGN) or name.upper() in PROXIES:
            monkeypatch.delenv(name)
    folder, home = tmp_path / "agent", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    async with open_model() as model:
        yield Desk(model, folder, home)

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


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without variables that would lead elsewhere, and in a home of its own: a shell of the developer's is slow."""
    for name in list(os.environ):
        if name.startswith(FOREIGN) or name.upper() in PROXIES:
            monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    (tmp_path / "agent").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Desk]:
    """A desk with an empty folder, an empty home, and a model that says again what it is told."""
    async with open_model() as model:
        yield Desk(model, tmp_path / "agent", tmp_path / "home")

"""Claude does what every provider has to, with the real command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from runner.providers.base import Provider
from tests.runner.providers.claude.desk import MOST_SECONDS, Desk
from tests.runner.providers.contract import ProviderContract
from tests.support.model_api import Asked, open_model
from tests.support.model_wire import Answer, Gate, Says, Turn

pytestmark = pytest.mark.timeout(MOST_SECONDS)


def answer(asked: Asked) -> Answer | None:
    """What is to last never ends; what is quick is answered by rote."""
    return Turn(parts=(Says("I begin"), Gate())) if "wait 30" in asked.said else None


class TestClaude(ProviderContract):
    """The suite, with a desk."""

    unknown_session = "11111111-2222-4333-8444-555555555555"
    _folder: Path

    @pytest.fixture(autouse=True)
    def _at(self, tmp_path: Path) -> None:
        self._folder = tmp_path

    @asynccontextmanager
    async def provider(self) -> AsyncIterator[Provider]:
        """A desk's."""
        async with open_model() as model:
            model.rule = answer
            yield Desk(model, self._folder / "agent", self._folder / "home").provider()

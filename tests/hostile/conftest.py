"""Attacks are made by real containers: every test here needs docker, and takes more than a few seconds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Figures
from tests.hostile.town import Town, town
from tests.support.engines import need
from tests.support.sampling import WHOLE

BuildTown = Callable[..., AbstractContextManager[Town]]
HERE = Path(__file__).parent
SECONDS = 300
"""For one test: several containers start, are killed and start again. In a soak, twelve times that."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.docker)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(SECONDS * 12 if WHOLE else SECONDS))


@pytest.fixture
def build_town(figures: Figures) -> BuildTown:
    """`tests.hostile.town.town`, whose figures are printed at the end of the run."""
    return partial(town, note=figures)


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    need("docker")

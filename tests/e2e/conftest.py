"""End to end: real processes, real sandboxes, one home a test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engines import need


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for a home, with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        yield Path(folder, "home")


@pytest.fixture(
    params=[
        "process",
        pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
        pytest.param("docker", marks=pytest.mark.docker),
    ]
)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine that this machine can run; where CI says so, one that it cannot is a failure."""
    name: str = request.param
    need(name)
    return name

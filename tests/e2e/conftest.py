"""End to end: real processes, real sandboxes, one home a test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.docker_engine import built_claude_image
from tests.support.engines import need
from tests.support.model_api import ModelApi, model_in_thread
from tests.support.platform import FakePlatform
from tests.support.sampling import by_turns


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for a home, with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        yield Path(folder, "home")


@pytest.fixture(
    params=[
        *by_turns(["process", pytest.param("bubblewrap", marks=pytest.mark.bubblewrap)]),
        pytest.param("docker", marks=pytest.mark.docker),
    ]
)
def engine(request: pytest.FixtureRequest) -> str:
    """Docker and, by turns, one of the others; where CI says so, one that this machine cannot run is a failure."""
    name: str = request.param
    need(name)
    return name


@pytest.fixture(
    params=by_turns(
        [
            pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
            pytest.param("docker", marks=(pytest.mark.docker, pytest.mark.claude_image)),
        ]
    )
)
def claude_engine(request: pytest.FixtureRequest) -> str:
    """The engines that are sandboxes, by turns, with Claude's command line in them."""
    name: str = request.param
    need(name)
    if name == "docker":
        built = built_claude_image()
        assert isinstance(built, str), built
    return name


@pytest.fixture
def model() -> Iterator[ModelApi]:
    """A model that says what the test has written down for it."""
    with model_in_thread() as model:
        yield model


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    """A chat platform of the test's own."""
    platform = FakePlatform()
    yield platform
    platform.close()

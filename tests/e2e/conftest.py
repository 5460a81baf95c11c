"""End to end: real processes, real sandboxes, one home a test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import trio

from nanoclaw.app import all_engines
from nanoclaw.config import Config, SandboxSettings
from nanoclaw.sandboxes.engine import Probe, Unusable
from nanoclaw.store.home import make_folders

MUST_HAVE = {"bubblewrap": "NANOCLAW_NEEDS_BUBBLEWRAP", "docker": "NANOCLAW_NEEDS_DOCKER"}


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
    if why := why_not(name):
        if os.environ.get(MUST_HAVE.get(name, "")):
            pytest.fail(f"{name} is needed here: {why}")
        pytest.skip(why)
    return name


@cache
def why_not(name: str) -> str:
    """Why that engine cannot be used on this machine; empty if it can."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        probe = trio.run(_probe, name, Path(folder))
    return probe.why if isinstance(probe, Unusable) else ""


async def _probe(name: str, home: Path) -> Probe:
    make_folders(home)
    settings = Config(home=home, sandbox=SandboxSettings(engine=name, allow_old_engine=True))
    (engine,) = (engine for engine in await all_engines(settings, "home-probe") if engine.name == name)
    return await engine.probe()

"""Which engines this machine can run: the tests of one that it cannot are skipped, or fail where it has to be there."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import pytest
import trio

from nanoclaw.app import docker_settings
from nanoclaw.config import Config
from nanoclaw.errors import ImageError
from nanoclaw.sandboxes.available import all_engines
from nanoclaw.sandboxes.engine import Probe, Unusable
from nanoclaw.settings import SandboxSettings
from nanoclaw.store.home import make_folders
from tests.support.docker_engine import MUST_HAVE as MUST_HAVE_DOCKER
from tests.support.docker_engine import TEST_IMAGE, built_image, why_no_docker

MUST_HAVE = {"bubblewrap": "NANOCLAW_NEEDS_BUBBLEWRAP", "docker": MUST_HAVE_DOCKER}


def need(name: str) -> None:
    """Go on only with an engine of that name: skips the test without one, and fails it where CI says it is there."""
    if why := why_not(name):
        if os.environ.get(MUST_HAVE.get(name, "")):
            pytest.fail(f"{name} is needed here: {why}")
        pytest.skip(why)


def walls(name: str, *, image: str = TEST_IMAGE) -> str:
    """Lines of `[sandbox]` for that engine: with an image of the tests, and on whatever engine the machine has."""
    return f'engine = "{name}"\nimage = "{image}"\nallow_old_engine = true\n'


@cache
def why_not(name: str) -> str:
    """Why that engine cannot be used on this machine; empty if it can."""
    if name == "docker":
        if why := why_no_docker():
            return why
        if isinstance(built := built_image(), ImageError):
            return str(built)
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        probe = trio.run(_probe, name, Path(folder))
    return probe.why if isinstance(probe, Unusable) else ""


async def _probe(name: str, home: Path) -> Probe:
    make_folders(home)
    settings = Config(home=home, sandbox=SandboxSettings(engine=name, image=TEST_IMAGE, allow_old_engine=True))
    (engine,) = (engine for engine in await all_engines(docker_settings(settings, "home-probe")) if engine.name == name)
    return await engine.probe()

"""End to end: real processes, real sandboxes, one home a test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import trio

from nanoclaw.sandboxes.bubblewrap import BubblewrapEngine
from nanoclaw.sandboxes.engine import Unusable
from nanoclaw.sandboxes.runtime import find_runtime

MUST_HAVE = "NANOCLAW_NEEDS_BUBBLEWRAP"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for a home, with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        yield Path(folder, "home")


@pytest.fixture(params=["process", pytest.param("bubblewrap", marks=pytest.mark.bubblewrap)])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine that this machine can run; where CI says so, one that it cannot is a failure."""
    name: str = request.param
    if name == "bubblewrap" and (why := why_no_bubblewrap()):
        if os.environ.get(MUST_HAVE):
            pytest.fail(f"bubblewrap is needed here: {why}")
        pytest.skip(why)
    return name


@cache
def why_no_bubblewrap() -> str:
    """Why bubblewrap cannot be used on this machine; empty if it can."""
    probe = trio.run(BubblewrapEngine(find_runtime()).probe)
    return probe.why if isinstance(probe, Unusable) else ""

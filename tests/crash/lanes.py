"""Runs one lane of a crash loop in its own process and reads what it prints."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.forks import ROOM
from tests.support.sampling import offset, stride

LANES = 2
"""Loops that share the work: lane n of them dies at the point n, n + LANES, … of those that are looked at."""


def points_died_at(driver: str, work: Path, lane: int, *, every: int = 1) -> int:
    """Run *lane* of the module *driver* to its end; returns at how many points something died.

    Outside of a soak, one point in *every* is looked at.

    Fails where anything was wrong afterwards, and where the loop never came to a run that nothing cut short.
    """
    first = 1 + offset(every) + (lane - 1) * stride(every)
    ran = subprocess.run(
        [sys.executable, "-m", driver, str(work), str(first), str(LANES * stride(every)), ROOM],
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 0, f"{outcomes[-1:]}\n{ran.stderr}"
    assert not outcomes[-1]["died"], "the scenario was never run to its end"
    return sum(outcome["died"] for outcome in outcomes)


def lane_of(argv: Sequence[str]) -> tuple[Path, int, int]:
    """What `points_died_at` tells a driver: its folder, the first point to die at, and how far apart they are."""
    return Path(argv[1]), int(argv[2]), int(argv[3])

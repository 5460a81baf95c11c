"""The host is killed at every await point between an event and its delivered reply; nothing is lost or said twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Figures

LANES = 2


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("lane", range(1, LANES + 1))
def test_the_reply_arrives_exactly_once_wherever_the_host_dies(lane: int, tmp_path: Path, figures: Figures) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.crash.driver", str(tmp_path), str(lane), str(LANES)],
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = [json.loads(line) for line in ran.stdout.splitlines()]
    died = [outcome["step"] for outcome in outcomes if outcome["died"]]
    figures(await_points_died_at=len(died))
    assert ran.returncode == 0, f"{outcomes[-1:]}\n{ran.stderr}"
    assert not outcomes[-1]["died"], "the scenario was never run to its end"
    assert len(died) > 50, "the killer does not bite"

"""System calls of the store, an outbox's writer and a whole host go wrong one by one; what was promised is there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import Figures
from tests.support.forks import ROOM
from tests.support.sampling import WHOLE, stride

EVERY = {"store": 32, "outbox": 32, "host": 200}
"""One call in so many is hit; with the next fault, other ones are. In a soak, each. A life of a host takes a second."""


@pytest.mark.slow
@pytest.mark.timeout(7_200 if WHOLE else 600)
@pytest.mark.parametrize("kind", EVERY)
def test_nothing_promised_is_lost_or_halved_whichever_system_call_fails(
    kind: str, tmp_path: Path, figures: Figures
) -> None:
    """AT-33. The process is killed at the call, or the call fails by EIO, ENOSPC, EINTR or EMFILE."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.crash.calls_driver", kind, str(tmp_path), str(stride(EVERY[kind])), ROOM],
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 0, f"{[one for one in outcomes if one['wrong']]}\n{ran.stderr}"
    hits = Counter(one["call"] for one in outcomes if one["hit"])
    ends = Counter(one["end"] for one in outcomes if one["hit"])
    figures(**hits, **ends)
    assert {"pwrite64", "fdatasync", "unlink", "openat"} <= hits.keys()
    assert min(ends["KILLED"], ends["GAVE_UP"]) > 40 / stride(EVERY[kind])

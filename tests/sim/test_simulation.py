"""The whole host in a simulated world: whatever happens there, every promise is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from tests.sim.__main__ import told
from tests.sim.history import Host, Posted
from tests.sim.host import HostLife
from tests.sim.planted import PLANTED
from tests.sim.run import run

SEEDS = 2_000
BLOCK = 50
"""Seeds in one test: a minute is all that a test may take, on the slowest of machines."""
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_every_promise_is_kept_whatever_happens(first: int) -> None:
    for seed in range(first, first + BLOCK):
        outcome = run(seed)
        assert not outcome.problems, told(outcome)


def test_a_few_seeds_keep_every_promise_and_are_no_idle_ones() -> None:
    outcomes = [run(seed) for seed in range(40)]
    for outcome in outcomes:
        assert not outcome.problems, told(outcome)
    assert sum(1 for outcome in outcomes for _ in outcome.history.all(Posted)) > 20
    assert sum(1 for outcome in outcomes for host in outcome.history.all(Host) if host.what == "killed") > 3


def test_a_seed_is_the_same_run_whenever_and_wherever() -> None:
    """In this process and in another, whose sets of texts have another order."""
    here = [run(seed).digest for seed in (5, 5, 11)]
    assert here[0] == here[1] != here[2]
    for seed, digest in ((5, here[0]), (11, here[2])):
        for order in ("1", "2"):
            said = subprocess.run(
                [sys.executable, "-m", "tests.sim", str(seed)],
                cwd=ROOT,
                env={**os.environ, "PYTHONHASHSEED": order},
                capture_output=True,
                text=True,
                check=True,
            )
            assert said.stdout.splitlines()[-1] == f"digest: {digest}"


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_bug_is_found(planted: type[HostLife]) -> None:
    found = next(outcome for seed in count() if (outcome := run(seed, planted)).problems)
    assert found.seed < SEEDS
    assert not run(found.seed).problems

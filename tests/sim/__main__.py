"""`make sim`: one seed with its history, or one seed after the other until something is wrong or time is up."""

from __future__ import annotations

import argparse
import sys
import time
from itertools import count

from tests.sim.run import Outcome, run

SECONDS = 60.0


def main() -> int:
    """Run the seeds that are asked for; returns 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="make sim", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", help="run this one and print its history")
    parser.add_argument("--from", type=int, default=1_000_000, dest="first", help="the first of many")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long many may take")
    asked = parser.parse_args()
    return _many(asked.first, asked.seconds) if asked.seed is None else _one(asked.seed)


def _one(seed: int) -> int:
    outcome = run(seed)
    print(told(outcome))
    return int(bool(outcome.problems))


def _many(first: int, seconds: float) -> int:
    begun, used, hours = time.monotonic(), time.process_time(), 0.0
    for seed in count(first):
        outcome = run(seed)
        hours += outcome.seconds / 3600
        if outcome.problems:
            print(told(outcome))
            return 1
        if time.monotonic() - begun > seconds:
            many = seed - first + 1
            rate = many / (time.process_time() - used)
            print(f"{many} seeds from {first} on, {hours:,.0f} simulated hours: every promise was kept")
            print(f"{rate:.0f} seeds a second of processor time")
            return 0
    raise AssertionError


def told(outcome: Outcome) -> str:
    """A run, as people read it."""
    problems = [f"broken: {problem}" for problem in outcome.problems]
    return "\n".join([*outcome.history.lines(), f"seed: {outcome.seed}", *problems, f"digest: {outcome.digest}"])


if __name__ == "__main__":
    sys.exit(main())

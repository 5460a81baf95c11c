"""Lives on copies of one database, each in a fork that dies at another step: one JSON line a life."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import attrs
import structlog

from tests.crash.lanes import lane_of
from tests.support.crash import KILLED, Outcome
from tests.support.forks import keep_all

Scenario: TypeAlias = Callable[[Path, int], None]
"""Live on the database at that path, and die at that step; at step 0, not at all."""
Check: TypeAlias = Callable[[Path, bool], list[str]]
"""What is wrong with what a life has left; was it whole?"""


def run_lives(scenarios: tuple[Scenario, ...], make_template: Callable[[Path], None], check: Check) -> int:
    """Be a driver, as `lanes.points_died_at` starts it: each life is followed by one that nothing cuts short."""
    # Standard output is ours.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    work, first, stride = lane_of(sys.argv)
    make_template(work / "template.db")
    keep_all()
    for scenario in scenarios:
        died, step = True, first
        while died:
            home = work / f"{scenario.__name__}-{step}"
            home.mkdir()
            path = home / "nanoclaw.db"
            shutil.copy(work / "template.db", path)
            died = live(scenario, path, step)
            wrong = check(path, not died)
            live(scenario, path, 0)
            wrong += check(path, True)
            print(json.dumps(attrs.asdict(Outcome(step=step, died=died, wrong=tuple(wrong)))), flush=True)
            if wrong:
                return 1
            shutil.rmtree(home)
            step += stride
    return 0


def live(scenario: Scenario, path: Path, step: int) -> bool:
    """One life in a fork; says whether it was cut short."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            scenario(path, step)
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code not in (0, KILLED):
        raise RuntimeError(f"step {step}: ended with {code}")
    return code == KILLED

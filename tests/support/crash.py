"""Kill a host at every await point: `crash_everywhere` runs a scenario again and again, dying one step later each time.

Runs in a process of its own that has no threads, so that it can fork a host in milliseconds instead of importing one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import trio
from attrs import define, frozen

from tests.support.forks import keep_all

KILLED = 137
PATIENCE = 120.0
LOOK_SECONDS = 0.03


@define(eq=False)
class Killer(trio.abc.Instrument):
    """Ends the process, as SIGKILL would, before its task step number *at* after it was armed; 0 is never."""

    at: int
    steps: int = 0
    armed: bool = False

    def arm(self) -> None:
        """Count from here."""
        self.armed = True

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count a step; end on the one that was asked for."""
        if self.armed:
            self.steps += 1
            if self.steps == self.at:
                os._exit(KILLED)


@frozen(kw_only=True)
class Scenario:
    """Something a host does, how to see that it is done, and what must then be true."""

    template: Path
    """A home to begin with, copied for every run."""
    begin: Callable[[int], None]
    """Set the outside world up for run *i*."""
    host: Callable[[Path, Killer], None]
    """Be the host until SIGTERM; runs in a fork."""
    done: Callable[[Path], bool]
    """Is the scenario over?"""
    check: Callable[[Path], list[str]]
    """What is wrong afterwards, with no host running."""


@frozen(kw_only=True)
class Outcome:
    """One run: died at *step*, or lived through to the end of the host."""

    step: int
    died: bool
    wrong: tuple[str, ...]


def crash_everywhere(scenario: Scenario, work: Path, *, first: int, stride: int) -> Iterator[Outcome]:
    """Run *scenario* dying at step *first*, *first + stride*, … until a run is over before its step comes."""
    keep_all()
    step = first
    while True:
        home = work / f"h{step}"
        shutil.copytree(scenario.template, home)
        scenario.begin(step)
        died = live(scenario, home, Killer(at=step))
        wrong = ["the second host died too"] if died and live(scenario, home, Killer(at=0)) else []
        wrong += scenario.check(home)
        yield Outcome(step=step, died=died, wrong=tuple(wrong))
        if wrong:
            return
        shutil.rmtree(home)
        if not died:
            return
        step += stride


def live(scenario: Scenario, home: Path, killer: Killer) -> bool:
    """One life of a host; says whether it was killed. A host that is done is told to end, and may be killed at that."""
    up = home / "run" / "cli.sock"
    up.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        _be_host(scenario, home, killer)
    end = time.monotonic() + PATIENCE
    told = False
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            if code not in (0, KILLED):
                raise RuntimeError(f"the host ended with {code}; see {home}/crash.log")
            return code == KILLED
        if not told and up.exists() and scenario.done(home):
            told = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise RuntimeError(f"step {killer.at}: not done within {PATIENCE:g} s; see {home}")
        time.sleep(LOOK_SECONDS)


def _be_host(scenario: Scenario, home: Path, killer: Killer) -> NoReturn:
    code = 1
    try:
        scenario.host(home, killer)
        code = 0
    except BaseException:
        with (home / "crash.log").open("a") as log:
            traceback.print_exc(file=log)
    finally:
        sys.stdout.flush()
        os._exit(code)

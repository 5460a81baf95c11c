"""Somebody swaps what is on the way while it is looked at: what is granted is never outside the allow-list."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from nanoclaw.composing.looking import landmarks, look_at
from nanoclaw.core.mounts import Allowed, judge
from nanoclaw.core.wanted_mounts import WantedMount
from tests.composing.machine import NANO, Machine
from tests.conftest import Figures
from tests.support.host import until

TRIES = min(5_000, 10 * settings().max_examples)
"""Of each kind: a thousand in the gate."""
LINK = """
import os, sys
name, aside, *targets = sys.argv[1:]
while True:
    for target in targets:
        os.symlink(target, aside)
        os.replace(aside, name)
"""
FOLDER = """
import ctypes, os, sys
name, aside, target = sys.argv[1:]
os.symlink(target, aside)
swap, here, exchange = ctypes.CDLL(None).renameat2, -100, 2
while True:
    swap(here, name.encode(), here, aside.encode(), exchange)
"""


@contextmanager
def racing(program: str, *arguments: Path) -> Iterator[None]:
    """Let a program of its own swap things until the end of the block."""
    racer = subprocess.Popen([sys.executable, "-c", program, *map(str, arguments)])
    try:
        # It is under way as soon as the first of them is another one.
        first = arguments[0].lstat().st_ino
        until(lambda: arguments[0].lstat().st_ino != first)
        yield
    finally:
        racer.kill()
        racer.wait()


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("program", [LINK, FOLDER], ids=["a link", "a folder on the way"])
def test_whatever_is_swapped_what_is_granted_is_a_folder_of_the_projects(
    machine: Machine, program: str, figures: Figures
) -> None:
    secrets = machine.user / ".ssh"
    (secrets / "src").mkdir()
    inside = {(path.stat().st_dev, path.stat().st_ino) for path in machine.projects.rglob("*")}
    name, aside = machine.projects / "way", machine.projects / "aside"
    if program == LINK:
        targets = [machine.projects / "app", secrets]
        name.symlink_to(targets[0])
    else:
        targets = [secrets]
        (machine.projects / "app").rename(name)
    wanted = WantedMount(host_path=str(name / "src"), name="src", read_write=True)
    policy = machine.extra_mounts().policy()
    known = landmarks(policy.places)
    ends: Counter[str] = Counter()

    def look() -> None:
        verdict = judge(wanted, look_at(wanted, policy, known, None), policy, (), NANO)
        if not isinstance(verdict, Allowed):
            ends[verdict.reason.name.lower()] += 1
            return
        ends["allowed"] += 1
        assert Path(verdict.source).is_relative_to(machine.projects)
        assert (verdict.device, verdict.inode) in inside

    def is_raced() -> bool:
        look()
        return bool(ends["allowed"]) and len(ends) > 1

    with racing(program, name, aside, *targets):
        for _ in range(TRIES):
            look()
        # Where others take the processor, whoever swaps may have had none of it so far.
        until(is_raced)
    figures(tries=ends.total(), **ends)

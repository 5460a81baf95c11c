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
    with racing(program, name, aside, *targets):
        for _ in range(TRIES):
            verdict = judge(wanted, look_at(wanted, policy, known, None), policy, (), NANO)
            if not isinstance(verdict, Allowed):
                ends[verdict.reason.name.lower()] += 1
                continue
            ends["allowed"] += 1
            assert Path(verdict.source).is_relative_to(machine.projects)
            assert (verdict.device, verdict.inode) in inside
    figures(tries=TRIES, **ends)
    assert ends["allowed"]
    assert len(ends) > 1

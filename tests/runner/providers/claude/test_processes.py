"""Processes that a process has started are found, and ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from runner.providers.claude.processes import Process, descendants, kill

CHAIN = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "print('up', flush=True); input()"], stdin=subprocess.PIPE)
child.wait()
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", CHAIN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        yield process
        kill(descendants(process.pid))
        process.kill()


def test_what_a_process_has_started_is_found_and_killed(parent: subprocess.Popen[bytes]) -> None:
    found = descendants(parent.pid)
    assert len(found) == 1
    assert kill(found) == 1
    assert parent.wait(timeout=30) == 0
    assert kill(found) == 0


def test_a_process_that_only_has_the_number_of_another_is_left_alone(parent: subprocess.Popen[bytes]) -> None:
    (found,) = descendants(parent.pid)
    assert kill([Process(found.pid, f"{found.started}1")]) == 0
    assert descendants(parent.pid) == [found]

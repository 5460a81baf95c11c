"""What a sandbox takes of this machine, from the files of a kernel; and which files a process has open."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nanoclaw.kit.held_files import held_below
from nanoclaw.sandboxes.resources import Resources, of_container, of_processes, words

TOOK = Resources(memory=3 << 20, cpu=2.5, processes=4)
FILES = {
    "system.slice/docker-c1.scope": {
        "memory.current": "3145728",
        "cpu.stat": "usage_usec 2500000",
        "pids.current": "4",
    },
    "docker/c1": {"memory.current": "3145728", "cpu.stat": "a 1\nusage_usec 2500000\n", "pids.current": "4\n"},
    "": {
        "memory/docker/c1/memory.usage_in_bytes": "3145728",
        "cpuacct/docker/c1/cpuacct.usage": "2500000000",
        "pids/docker/c1/pids.current": "4",
    },
}


@pytest.mark.parametrize("folder", FILES)
def test_a_containers_groups_are_found_wherever_docker_keeps_them(folder: str, tmp_path: Path) -> None:
    for name, text in FILES[folder].items():
        file = tmp_path / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert of_container("c1", tmp_path) == TOOK
    assert words(of_container("c1", tmp_path)) == "3 MiB, 2.5 s of cpu, 4 processes"
    assert words(of_container("c2", tmp_path)) == "memory unknown, cpu unknown, processes unknown"


@pytest.mark.parametrize("text", ["", "max", "usage 1", "3 4 5"])
def test_what_makes_no_sense_is_unknown(text: str, tmp_path: Path) -> None:
    folder = tmp_path / "docker/c1"
    folder.mkdir(parents=True)
    (folder / "memory.current").write_text(text)
    assert of_container("c1", tmp_path) == Resources()


def test_a_live_process_takes_something_and_one_that_ended_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        both = of_processes([os.getpid(), child.pid])
        mine = of_processes([os.getpid()])
        assert (both.processes, mine.processes) == (2, 1)
        assert (both.memory or 0) > 1 << 20
        child.communicate(b"\n")
    assert of_processes([child.pid]) == Resources()


def test_files_that_are_open_are_named_until_they_are_closed(tmp_path: Path) -> None:
    assert held_below(tmp_path) == []
    with (tmp_path / "a").open("w"), (tmp_path / "b").open("w"):
        assert held_below(tmp_path) == ["a", "b"]
        assert held_below(tmp_path, start="b") == ["b"]
    assert held_below(tmp_path) == []

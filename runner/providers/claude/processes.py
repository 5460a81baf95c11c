"""Which processes a process has started, and their end: nothing that a model began outlives its command line."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from attrs import frozen

PROC = Path("/proc")
_PARENT, _STARTED = 1, 19
"""Fields of `stat` behind the name of the program."""


@frozen
class Process:
    """A process; the time of its start tells it from another that gets its number later."""

    pid: int
    started: str


def descendants(pid: int) -> list[Process]:
    """All that *pid* has started, and what they have; empty where there is no `/proc`."""
    children: dict[int, list[Process]] = {}
    below: list[Process] = []
    for entry in PROC.iterdir() if PROC.is_dir() else ():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))) is not None:
            found = Process(int(entry.name), fields[_STARTED])
            children.setdefault(int(fields[_PARENT]), []).append(found)
    left = [pid]
    while left:
        of = children.pop(left.pop(), [])
        below += of
        left += [one.pid for one in of]
    return below


def kill(processes: list[Process]) -> int:
    """Kill those that still live; how many did."""
    killed = 0
    for process in processes:
        fields = _stat(process.pid)
        if fields is None or fields[_STARTED] != process.started or fields[0] == "Z":
            continue
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
    return killed


def _stat(pid: int) -> list[str] | None:
    """The fields of a process behind its name, which may hold anything; None if it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()

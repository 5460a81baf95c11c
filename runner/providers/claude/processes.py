"""Which processes a process has started, and their end: nothing that a model began outlives its command line."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
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


def living(processes: Iterable[Process]) -> list[Process]:
    """Those that have not ended, each once."""
    return [process for process in dict.fromkeys(processes) if _lives(process)]


def kill(processes: Iterable[Process]) -> int:
    """Send SIGKILL to those that still live; to how many. They are gone a moment later."""
    killed = 0
    for process in living(processes):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
    return killed


def _lives(process: Process) -> bool:
    fields = _stat(process.pid)
    return fields is not None and fields[_STARTED] == process.started and fields[0] != "Z"


def _stat(pid: int) -> list[str] | None:
    """The fields of a process behind its name, which may hold anything; None if it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()

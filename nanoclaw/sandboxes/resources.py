"""What a sandbox takes of this machine just now, as its kernel counts it. Looks, on a thread, when somebody asks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, runtime_checkable

from attrs import frozen

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
MICROSECONDS = 1_000_000
NANOSECONDS = 1_000_000_000
MIB = 1 << 20


@frozen(kw_only=True)
class Resources:
    """Each is None where nobody says."""

    memory: int | None = None
    """Bytes."""
    cpu: float | None = None
    """Seconds of a processor, since it began; of processes, those that are there."""
    processes: int | None = None


@runtime_checkable
class Measured(Protocol):
    """A sandbox of which this can be said."""

    def measure(self) -> Resources:
        """What it takes now. Blocks shortly; call it on a thread. Fails never."""
        ...


def words(found: Resources) -> str:
    """For people."""
    memory = "memory unknown" if found.memory is None else f"{found.memory / MIB:,.0f} MiB"
    cpu = "cpu unknown" if found.cpu is None else f"{found.cpu:,.1f} s of cpu"
    processes = "processes unknown" if found.processes is None else f"{found.processes} processes"
    return f"{memory}, {cpu}, {processes}"


def of_processes(pids: Iterable[int], proc: Path = PROC) -> Resources:
    """The sum of those that are still there."""
    memory, ticks, count = 0, 0, 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):  # it has just ended
            # What follows the name, which may hold anything, in parentheses.
            stat = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            resident = int((proc / str(pid) / "statm").read_text(encoding="ascii").split()[1])
            memory += resident * os.sysconf("SC_PAGE_SIZE")
            ticks += int(stat[11]) + int(stat[12])
            count += 1
    if not count:
        return Resources()
    return Resources(memory=memory, cpu=ticks / os.sysconf("SC_CLK_TCK"), processes=count)


def of_container(container: str, cgroups: Path = CGROUPS) -> Resources:
    """Of a container of this machine's docker, by its whole id; nothing is known where that keeps no groups here."""
    scope = f"system.slice/docker-{container}.scope"
    for folder in (cgroups / scope, cgroups / "docker" / container):
        if folder.is_dir():
            used = _number(folder / "cpu.stat", "usage_usec")
            return Resources(
                memory=_number(folder / "memory.current"),
                cpu=None if used is None else used / MICROSECONDS,
                processes=_number(folder / "pids.current"),
            )
    old = {name: cgroups / name / "docker" / container for name in ("memory", "cpuacct", "pids")}
    used = _number(old["cpuacct"] / "cpuacct.usage")
    return Resources(
        memory=_number(old["memory"] / "memory.usage_in_bytes"),
        cpu=None if used is None else used / NANOSECONDS,
        processes=_number(old["pids"] / "pids.current"),
    )


def _number(file: Path, name: str = "") -> int | None:
    """The number in *file*, or behind *name* in it; None: there is none."""
    with contextlib.suppress(OSError, ValueError):
        for line in file.read_text(encoding="ascii").splitlines():
            key, _, value = line.rpartition(" ")
            if key == name:
                return int(value)
    return None

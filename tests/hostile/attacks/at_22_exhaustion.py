"""AT-22: takes all there is of processes, memory, files, disk and log. Words: of what."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.hostile.attacks.evil import OUT, attempt, report, words

MIB = 1 << 20
FLOOD = 48 * MIB
NAMES = 5_000


def how_many(take: Callable[[], object], most: int) -> tuple[int, str]:
    """How often *take* works, and the error that ends it."""
    for number in range(most):
        if (said := attempt(take)) != "done":
            return number, said
    return most, "no end"


def fork() -> None:
    """A process that does nothing until it is killed."""
    if (child := os.fork()) == 0:
        time.sleep(1000)
    children.append(child)


def fill(path: str) -> tuple[int, str]:
    """Write a file until there is no room; how many MiB it took."""
    with Path(path).open("wb", buffering=0) as file:
        found = how_many(lambda: file.write(bytes(MIB)), 600)
    Path(path).unlink()
    return found


def crash() -> bool:
    """Did a program that crashed leave its memory behind?"""
    if (child := os.fork()) == 0:
        os.chdir(OUT)
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(10)
    return os.WCOREDUMP(os.waitpid(child, 0)[1]) or any(OUT.glob("core*"))


children: list[int] = []
(kind,) = words()
match kind:
    case "processes":
        count, why = how_many(fork, 2_000)
        report(processes=count, why=why)
        time.sleep(2)
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    case "memory":
        hoard = []
        while True:
            hoard.append(bytearray(os.urandom(MIB)) * 16)
    case "space":
        descriptors: list[int] = []
        opened = how_many(lambda: descriptors.append(os.open("/dev/null", os.O_RDONLY)), 10_000)
        for descriptor in descriptors:
            os.close(descriptor)
        report(
            tmp=fill("/tmp/x"),
            run=fill("/run/x"),
            root=attempt(lambda: Path("/x").touch()),
            large=attempt(lambda: os.truncate(os.open(OUT / "large", os.O_CREAT | os.O_RDWR), 2 << 30)),
            open=opened,
            core=[*resource.getrlimit(resource.RLIMIT_CORE)],
        )
    case "log":
        line = b"x" * 4095 + b"\n"
        for _ in range(FLOOD // len(line)):
            os.write(2, line)
        report(flooded=FLOOD)
        time.sleep(1)
    case "names":
        for number in range(NAMES):
            (OUT / f"n{number}").touch()
            (OUT / f"d{number}").mkdir()
        report(names=NAMES, core=crash())
    case unknown:
        raise ValueError(unknown)
sys.exit(0)

"""A life of a program in which one system call goes wrong: `strace` has it fail, or the process killed at it.

The process is a fork of this one, so that a life costs milliseconds and not an interpreter's start. Its threads are
traced with it, each with a count of its own; programs that it starts are not. strace(1), "Tampering":
`inject=CALL:error=ERRNO:when=N` does not do the call, `signal=KILL` kills at it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from attrs import frozen

PATIENCE = 30.0
LOOK_SECONDS = 0.001


class End(Enum):
    """How a life ended."""

    WHOLE = "lived to its end"
    GAVE_UP = "ended by itself, with an error"
    KILLED = "killed"


@frozen
class Life:
    """What became of a process."""

    end: End
    was_hit: bool
    """False: it made fewer calls than that."""


def live(life: Callable[[], None], call: str, what: str, number: int, log: Path, *, before: Callable[[], None]) -> Life:
    """Live *life* in a process whose *number*th *call* meets *what*, as `error=EIO` or `signal=KILL`; *log* is made.

    The process does *before* first, and is not traced yet.
    """
    pid = os.fork()
    if pid == 0:
        _be(life, before)
    os.waitpid(pid, os.WUNTRACED)
    whom = ("-f", "-b", "execve", "-p", str(pid))
    how = ("-e", f"trace={call}", "-e", f"inject={call}:{what}:when={number}")
    tracer = subprocess.Popen((shutil.which("strace") or "strace", "-qq", "-o", log, *how, *whom))
    try:
        end = time.monotonic() + PATIENCE
        while _tracer_of(pid) == 0:
            assert time.monotonic() < end, "strace does not come"
            assert tracer.poll() is None, "strace cannot trace here"
            time.sleep(LOOK_SECONDS)
        os.kill(pid, signal.SIGCONT)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        tracer.wait(PATIENCE)
    finally:
        tracer.kill()
    text = log.read_text(errors="replace")
    ends = {0: End.WHOLE, 1: End.GAVE_UP, -signal.SIGKILL: End.KILLED}
    return Life(end=ends[code], was_hit="(INJECTED)" in text or code == -signal.SIGKILL)


def _be(life: Callable[[], None], before: Callable[[], None]) -> None:
    """Wait to be traced, live, and end; an error is the end that a program would have."""
    code = 1
    try:
        before()
        os.kill(os.getpid(), signal.SIGSTOP)
        life()
        code = 0
    finally:
        os._exit(code)


def _tracer_of(pid: int) -> int:
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("TracerPid"))
    return int(line.split()[1])

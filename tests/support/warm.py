"""`nanoclaw …` in a process of its own that need not import anything first: a fork of one warm template.

A test that starts twenty of them spends its time on what it tests. What a cold start does is tested where that is the
point.
"""

from __future__ import annotations

import atexit
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.support.forks import Asked, Forked, ask

_PROGRAM = (sys.executable, "-m", "tests.support.warm_template")
_ROOT = Path(__file__).resolve().parents[2]


def warm_process(argv: Sequence[str], environment: Mapping[str, str], folder: Path | None) -> subprocess.Popen[str]:
    """A running `nanoclaw` with *argv* after its name, and pipes for its three files."""
    asked = {
        "argv": ["nanoclaw", *argv],
        "env": dict(environment),
        "cwd": None if folder is None else str(folder),
    }
    pipe = subprocess.PIPE
    return Forked(_born, asked, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def _born(asked: Asked, files: Sequence[int]) -> int:
    try:
        return ask(_template(), asked, files)
    except (OSError, ValueError):
        # Some test has ended it, with all the processes that it could find.
        _template.cache_clear()
        return ask(_template(), asked, files)


@cache
def _template() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(_PROGRAM, stdin=theirs.fileno(), cwd=_ROOT)

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours

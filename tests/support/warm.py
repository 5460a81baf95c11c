"""`nanoclaw …` in a process of its own that need not import anything first: a fork of one warm template.

A test that starts twenty of them spends its time on what it tests. The process is this one's child, as any is that
`subprocess` starts; only its birth differs. What a cold start does is tested where that is the point.
"""

from __future__ import annotations

import atexit
import ctypes
import inspect
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_PROGRAM = (sys.executable, "-m", "tests.support.warm_template")
_ROOT = Path(__file__).resolve().parents[2]


class WarmProcess(subprocess.Popen[str]):
    """A running `nanoclaw` with *argv* after its name, and pipes for its three files."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], folder: Path | None) -> None:
        self._asked = {"argv": list(argv), "env": dict(environment), "cwd": None if folder is None else str(folder)}
        pipe = subprocess.PIPE
        super().__init__(["nanoclaw", *argv], stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def _execute_child(self, *arguments: Any) -> None:
        named = inspect.signature(subprocess.Popen._execute_child).bind(self, *arguments).arguments  # type: ignore[attr-defined]  # not in its stub
        stdin, stdout, stderr = named["p2cread"], named["c2pwrite"], named["errwrite"]
        self.pid = _born(self._asked, [stdin, stdout, stderr])
        self._child_created = True
        for file in (stdin, stdout, stderr):
            os.close(file)


def _born(asked: Mapping[str, object], files: Sequence[int]) -> int:
    try:
        return _ask(_template(), asked, files)
    except (OSError, ValueError):
        # Some test has ended it, with all the processes that it could find.
        _template.cache_clear()
        return _ask(_template(), asked, files)


def _ask(template: socket.socket, asked: Mapping[str, object], files: Sequence[int]) -> int:
    libc = ctypes.CDLL(None)
    # For this moment alone: what other processes leave behind is not ours to take in.
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        socket.send_fds(template, [json.dumps(asked).encode()], list(files))
        return int(template.recv(32))
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


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

"""Processes that are born by a fork of one that has imported everything, instead of importing it all themselves.

Such a process is the child of whoever asks for it, as any is that `subprocess` starts; only its birth differs.
"""

from __future__ import annotations

import ctypes
import gc
import inspect
import json
import os
import random
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

MOST_BYTES = 1 << 18
ROOM = "." * 4_096
"""A last argument for a program whose forks are to show a command line of their own: they write it there."""
_PR_SET_CHILD_SUBREAPER = 36
_MOST_FILES = 256

Asked: TypeAlias = Mapping[str, Any]
"""What a process is to be: JSON with its `argv`, its `env`, the folder `cwd` to begin in, and more as need be."""
Start: TypeAlias = Callable[[Asked, Sequence[int]], int]
"""Has a process born that has those three files; returns its id."""


class Forked(subprocess.Popen[Any]):
    """A process that *start* has made. *files* are pipes and the like, as `subprocess.Popen` takes them."""

    def __init__(self, start: Start, asked: Asked, **files: Any) -> None:
        self._start = start
        self._asked = asked
        super().__init__(asked["argv"], **files)

    def _execute_child(self, *arguments: Any) -> None:
        named = inspect.signature(subprocess.Popen._execute_child).bind(self, *arguments).arguments  # type: ignore[attr-defined]  # not in its stub
        files = [named["p2cread"], named["c2pwrite"], named["errwrite"]]
        self.pid = self._start(self._asked, files)
        self._child_created = True
        for file in set(files):
            os.close(file)


def fork_template(become: Callable[[Asked], None]) -> Start:
    """Fork a template of this process, which must have no thread yet: it starts forks until this process ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        try:
            ours.close()
            serve(theirs, become)
        finally:
            os._exit(0)
    theirs.close()
    return lambda asked, files: ask(ours, asked, files)


def keep_all() -> None:
    """What there is now will be every fork's too: none of them has to look through it for what can go."""
    gc.collect()
    gc.freeze()


def ask(template: socket.socket, asked: Asked, files: Sequence[int]) -> int:
    """Have a child of this process born by *template*; its id. Raises `OSError` or `ValueError`: there is none."""
    libc = ctypes.CDLL(None)
    # For this moment alone: what other processes leave behind is not ours to take in.
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        socket.send_fds(template, [json.dumps(asked).encode()], list(files))
        return int(template.recv(32))
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def serve(here: socket.socket, become: Callable[[Asked], None]) -> None:
    """Be a template: fork for each request that comes, until the socket ends. A fork ends with *become*."""
    keep_all()
    while True:
        packet, files, _, _ = socket.recv_fds(here, MOST_BYTES, 3)
        if not packet:
            return
        here.send(str(_bear(json.loads(packet), files, here, become)).encode())
        for file in files:
            os.close(file)


def _bear(asked: Asked, files: Sequence[int], here: socket.socket, become: Callable[[Asked], None]) -> int:
    """Start a process whose parent is whoever takes in orphans."""
    ours, theirs = os.pipe()
    between = os.fork()
    if between == 0:
        child = os.fork()
        if child:
            os.write(theirs, str(child).encode())
            os._exit(0)
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.closerange(3, _MOST_FILES)
        here.detach()
        _be(asked, become)
    os.waitpid(between, 0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        return int(pipe.read())


def _be(asked: Asked, become: Callable[[Asked], None]) -> NoReturn:
    """Be a program that begins now, and end as one."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed()
    os.environ.clear()
    os.environ.update(asked["env"])
    if asked["cwd"] is not None:
        os.chdir(asked["cwd"])
    for stream, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        setattr(sys, stream, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - it stays open
        setattr(sys, f"__{stream}__", getattr(sys, stream))
    code: object = 0
    try:
        become(asked)
    except SystemExit as exc:
        code = exc.code
    except BaseException:
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    for said in (sys.stdout, sys.stderr):
        said.flush()
    os._exit(code if isinstance(code, int) else 0)


def show_command_line(argv: Sequence[str]) -> None:
    """Have /proc say that this process was started as *argv*. Raises `ValueError`: its own words take less room."""
    # proc(5): the fields 48 and 49 of all; the second one, a name in parentheses, may hold anything.
    fields = Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    words = b"".join(os.fsencode(word) + b"\0" for word in argv)
    if len(words) > end - start:
        raise ValueError(f"a command line of {len(words)} bytes in the room of {end - start}: start it with ROOM")
    ctypes.memmove(start, words.ljust(end - start, b"\0"), end - start)

"""A program that has imported all of nanoclaw: it becomes the command line, over and over, by forking.

`python -m tests.support.warm_template`, with a socket as its standard input. A request is one packet: JSON with `argv`,
`env` and `cwd`, and the three files that are to be the standard ones. The answer is the new process's id.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import random
import signal
import socket
import sys

import nanoclaw

MOST_BYTES = 1 << 18


def main() -> None:
    """Answer until the socket ends."""
    for module in pkgutil.walk_packages(nanoclaw.__path__, "nanoclaw."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    # What is there now is every child's too: none of them has to look through it.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at a terminal it is meant for the tests
    here = socket.socket(fileno=0)
    while True:
        packet, files, _, _ = socket.recv_fds(here, MOST_BYTES, 3)
        if not packet:
            return
        here.send(str(_start(json.loads(packet), files, here)).encode())
        for file in files:
            os.close(file)


def _start(asked: dict[str, object], files: list[int], here: socket.socket) -> int:
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
        os.closerange(3, 256)
        here.detach()
        _be_the_command_line(asked)
    os.waitpid(between, 0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        return int(pipe.read())


def _be_the_command_line(asked: dict[str, object]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed()
    os.environ.clear()
    os.environ.update(asked["env"])  # type: ignore[call-overload]  # our own JSON
    if asked["cwd"] is not None:
        os.chdir(str(asked["cwd"]))
    sys.argv = ["nanoclaw", *asked["argv"]]  # type: ignore[misc]  # our own JSON
    for stream, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        setattr(sys, stream, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - it stays open
        setattr(sys, f"__{stream}__", getattr(sys, stream))
    from nanoclaw.cli.main import main

    code: object = 0
    try:
        main()
    except SystemExit as exc:
        code = exc.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    for said in (sys.stdout, sys.stderr):
        said.flush()
    os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()

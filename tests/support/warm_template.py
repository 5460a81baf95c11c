"""A program that has imported all of nanoclaw: it becomes the command line, over and over, by forking.

`python -m tests.support.warm_template`, with a socket as its standard input. A request is one packet: JSON with `argv`,
`env` and `cwd`, and the three files that are to be the standard ones. The answer is the new process's id.
"""

from __future__ import annotations

import importlib
import pkgutil
import signal
import socket
import sys

import nanoclaw
from tests.support.codecs import work_out_codecs
from tests.support.forks import Asked, serve


def main() -> None:
    """Answer until the socket ends."""
    for module in pkgutil.walk_packages(nanoclaw.__path__, "nanoclaw."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    work_out_codecs()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at a terminal it is meant for the tests
    serve(socket.socket(fileno=0), _be_the_command_line)


def _be_the_command_line(asked: Asked) -> None:
    sys.argv = list(asked["argv"])
    from nanoclaw.cli.main import main

    main()


if __name__ == "__main__":
    main()

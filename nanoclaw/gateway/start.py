"""The first thing that the gateway's process runs, as `python -I -m nanoclaw.gateway.start HOST`: tied to that process.

It imports nothing but a little of the standard library, so that a process which is stopped while it imports the rest,
or is slow at it, ends with its host all the same.
"""

from __future__ import annotations

import ctypes
import os
import resource
import runpy
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


def main() -> None:
    """Be the gateway until the host ends."""
    confine(int(sys.argv[1]))
    runpy.run_module("nanoclaw.gateway.program", run_name="__main__")


def confine(host: int) -> None:
    """Die with *host*, and give up what is not needed: above all, nobody else of this user may look into this process.

    Raises:
      SystemExit: the host has gone already.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != host:
        # Whoever has gone before that line ends nobody any more.
        sys.exit("the host has gone")
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()

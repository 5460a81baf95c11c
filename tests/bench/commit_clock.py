"""Notes when a runner commits, from the kernel's own word for it: in a process of its own, which takes no turn from us.

`python -m tests.bench.commit_clock FOLDER` writes a line for each commit there: its time in seconds of
`time.perf_counter`, which is one clock for all processes of a machine.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

from schema.commit_watch import CommitWatch


class CommitClock:
    """Hears that process. Close it when done."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.commit_clock", str(folder)], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self._lines = self._process.stdout.fileno()
        assert os.read(self._lines, 1) == b"\n", "it says so once it watches"
        os.set_blocking(self._lines, False)
        self._rest = b""

    def seen(self) -> list[float]:
        """The commits since the last time that this was asked."""
        try:
            while more := os.read(self._lines, 1 << 16):
                self._rest += more
        except BlockingIOError:
            pass
        *lines, self._rest = self._rest.split(b"\n")
        return [float(line) for line in lines]

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def main() -> None:
    """Write until somebody ends it."""
    watch = CommitWatch()
    watch.add(sys.argv[1])
    print(flush=True)
    while True:
        select.select([watch.fd], [], [])
        now = time.perf_counter()
        if watch.drain():
            print(now, flush=True)


if __name__ == "__main__":
    main()

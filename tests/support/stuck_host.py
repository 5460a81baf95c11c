"""A host in a process of its own in which sessions are stuck.

`python -m tests.support.stuck_host HOME SESSIONS PORT A_SECOND`, the last of which is messages to others meanwhile.
The home is made first. It writes a line when every session is stuck as `KINDS` says, and lives until a signal.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import trio
from trio.testing import MockClock

from nanoclaw import app, config
from nanoclaw.core.holds import QUIET
from nanoclaw.kit.clock import SystemClock
from nanoclaw.logs import log_to_file
from nanoclaw.settings import SandboxSettings, WebSettings
from nanoclaw.store.home import held
from tests.support import stuck_house
from tests.support.host import HostProcess
from tests.support.stuck_house import KINDS, StuckEngine

READY = "ready"
SETTLE_SECONDS = 2.0
SETTLE_UNDER_LOAD_SECONDS = 12.0
"""Sandboxes of a hundred rooms start first."""


def main(home: Path, sessions: int, port: int, a_second: float) -> None:
    """Be the host of *home*; *port* 0 is any. So many messages *a_second* are said in rooms that are not stuck."""
    stuck_house.make(home, sessions - len(KINDS))
    clock = MockClock(rate=1.0)
    rooms = [f"room-{number}" for number in range(min(100, sessions - len(KINDS)))] if a_second else []

    async def serve() -> None:
        settings = config.Config(
            home=home,
            sandbox=SandboxSettings(most_running=1_000, least_free_memory_percent=0),
            web=WebSettings(port=port),
        )
        run = partial(app.serve, settings, announce=lambda _: None, engines=lambda: [StuckEngine()])
        async with trio.open_nursery() as nursery:
            channels = partial(stuck_house.channels, rooms, a_second=a_second)
            await nursery.start(partial(run, more_channels=channels))
            await trio.sleep(SETTLE_UNDER_LOAD_SECONDS if a_second else SETTLE_SECONDS)
            clock.jump(QUIET.total_seconds() + 2)
            await trio.sleep(SETTLE_SECONDS)
            print(READY, flush=True)

    with held(home, now=SystemClock().now()):
        log_to_file(home / "logs" / "nanoclaw.log")
        trio.run(serve, clock=clock)


@contextmanager
def stuck_host(home: Path, *, sessions: int, a_second: float = 0.0) -> Iterator[HostProcess]:
    """One, for the length of the block, to be asked by the command line."""
    words = [sys.executable, "-m", "tests.support.stuck_host", str(home), str(sessions), "0", str(a_second)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == READY
        yield HostProcess(home)
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))

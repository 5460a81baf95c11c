"""A host in a process of its own, on the fake engine: `python -m tests.bench.idle_host HOME PAUSE_AFTER_MINUTES`.

It writes a line when it is up, and one when as many sandboxes were paused as there are sessions.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

import trio

from nanoclaw import app, config
from nanoclaw.kit.clock import SystemClock
from nanoclaw.logs import log_to_file
from nanoclaw.settings import MOST_TIMES, SandboxSettings, WebSettings
from nanoclaw.store.home import held
from tests.bench.fake_engine import FakeEngine

UP = "up"
PAUSED = "paused"


def main(home: Path, sessions: int, pause_after_minutes: float) -> None:
    """Be the host of *home* until a signal."""
    with held(home, now=SystemClock().now()):
        log_to_file(home / "logs" / "nanoclaw.log")
        sandbox = SandboxSettings(
            pause_after_minutes=pause_after_minutes,
            most_running=min(max(sessions, 1), MOST_TIMES),
            least_free_memory_percent=0,
        )
        settings = config.Config(home=home, sandbox=sandbox, web=WebSettings(enabled=False))
        numbers = count(1)

        def on_pause() -> None:
            if next(numbers) == sessions:
                print(PAUSED, flush=True)

        async def serve() -> None:
            await app.serve(settings, announce=lambda _: print(UP, flush=True), engines=lambda: [FakeEngine(on_pause)])

        trio.run(serve)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))

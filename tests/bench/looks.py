"""What looking at the house costs its loop: `overview` and the page's view of it, with a thousand sessions open."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

import trio
from attrs import define, field
from rich.console import Console

from nanoclaw import app, config
from nanoclaw.cli.client import ask
from nanoclaw.kit.every import every
from nanoclaw.settings import SandboxSettings, WebSettings
from nanoclaw.store import inbound
from nanoclaw.store.db import open_database
from tests.bench import many_sessions
from tests.bench.fake_engine import FakeEngine

SESSIONS = 1_000
LOOKS = 20
SETTLE_SECONDS = 2.0
MOST_MILLISECONDS = 5.0
"""That a turn of the loop may take of the processor."""
WATCHERS = 5
CASES = (
    ("idle", "", 0),
    ("overview", "overview", 1),
    (f"overview for {WATCHERS}", "overview", WATCHERS),
    ("tree", "tree", 1),
)


@define(eq=False)
class Turns(trio.abc.Instrument):
    """How long the turns of a loop take: of the processor, on the loop's own thread, and of the wall."""

    processor: list[float] = field(factory=list[float])
    wall: list[float] = field(factory=list[float])
    _began: tuple[float, float] | None = None

    def after_io_wait(self, _: float) -> None:
        """One begins."""
        self._began = time.thread_time(), time.perf_counter()

    def before_io_wait(self, _: float) -> None:
        """It is over."""
        if self._began is not None:
            self.processor.append(time.thread_time() - self._began[0])
            self.wall.append(time.perf_counter() - self._began[1])


async def looked_at(settings: config.Config) -> dict[str, Turns]:
    """The turns of a loop: of a host that idles, then is looked at, by one and by `WATCHERS`, `LOOKS` times each."""
    found = {}
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(app.serve, settings, announce=lambda _: None, engines=lambda: [FakeEngine()]))
        await _answered(settings)
        for name, verb, watchers in CASES:
            turns = found[name] = Turns()
            trio.lowlevel.add_instrument(turns)
            command = [sys.executable, "-m", "tests.bench.looks", str(settings.console_socket), verb]
            async with trio.open_nursery() as watching:
                watching.start_soon(trio.sleep, LOOKS)
                for _ in range(watchers):
                    watching.start_soon(trio.run_process, command)
            trio.lowlevel.remove_instrument(turns)
        nursery.cancel_scope.cancel()
    return found


async def _answered(settings: config.Config) -> None:
    async with open_database(settings.database) as store:
        with trio.CancelScope() as answered:

            async def look() -> None:
                if not await store.read(inbound.sessions_to_wake):
                    answered.cancel()

            await every(SETTLE_SECONDS, look)


def report(console: Console, work: Path) -> None:
    """Print what a look takes of the loop."""
    home = work / "looks"
    many_sessions.make(home, SESSIONS, waiting=True)
    sandbox = SandboxSettings(most_running=SESSIONS, least_free_memory_percent=0)
    settings = config.Config(home=home, sandbox=sandbox, web=WebSettings(enabled=False))
    with console.status(f"looks at {SESSIONS:,} sessions, some minutes"):
        found = trio.run(looked_at, settings)
    idle = sum(found["idle"].processor)
    for name, turns in found.items():
        # The median of the longest turns: one for each look.
        longest = 1e3 * sorted(turns.processor)[-LOOKS // 2]
        colour = "green" if longest <= MOST_MILLISECONDS else "red"
        console.print(
            f"{name}, with {SESSIONS:,} sessions open: a second takes {1e3 * (sum(turns.processor) - idle) / LOOKS:.1f}"
            f" ms of the loop's thread; its longest turn {sorted(turns.wall)[-LOOKS // 2] * 1e3:.1f} ms, of which the"
            f" processor [{colour}]{longest:.1f} ms[/{colour}] (target ≤ {MOST_MILLISECONDS:g})",
            highlight=False,
        )


def _watch(socket: Path, verb: str) -> None:
    for _ in range(LOOKS):
        began = time.monotonic()
        ask(socket, verb)
        time.sleep(max(0.0, began + 1 - time.monotonic()))


if __name__ == "__main__":
    _watch(Path(sys.argv[1]), sys.argv[2])

"""What it costs to be looked at: the share of a host's processor time, under load, that goes into watching its loop.

Two runs of a host differ by more than what is to be found, so the share is counted: how many turns of its loop a host
takes for each second of the processor, and what one turn costs more where the loop is watched.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import trio
from attrs import define

from nanoclaw import app, config
from nanoclaw.cli.client import ask
from nanoclaw.kit.slow_turns import SlowTurns
from nanoclaw.logs import log_to_file
from nanoclaw.settings import SandboxSettings, WebSettings
from tests.support import stuck_house
from tests.support.stuck_house import KINDS, Busy, StuckEngine

SESSIONS = 200
TURNS = 20_000
TRIES = 15
WARM_SECONDS = 4.0
SECONDS = 10.0


def watching_a_turn() -> float:
    """Seconds that a turn of a loop takes longer if it is watched: the median of many tries, taken by turns."""

    async def turns(*, watched: bool) -> float:
        with SlowTurns().watching() if watched else nullcontext():
            began = time.process_time()
            for _ in range(TURNS):
                await trio.lowlevel.checkpoint()
            return (time.process_time() - began) / TURNS

    found = [trio.run(partial(turns, watched=True)) - trio.run(partial(turns, watched=False)) for _ in range(TRIES)]
    return statistics.median(found)


async def host_under_load(settings: config.Config, *, looked_at: bool) -> tuple[float, int, float]:
    """Seconds of the processor, turns of the loop, and milliseconds of the processor for each message."""
    made = stuck_house.channels([f"room-{number}" for number in range(20)])
    busy = made[0]
    assert isinstance(busy, Busy)
    busy.a_second = 50.0
    serve = partial(app.serve, settings, announce=lambda _: None, engines=lambda: [StuckEngine()])
    counter = Counter()
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(serve, more_channels=lambda: made))
        if looked_at:
            nursery.start_soon(_look, settings)
        await trio.sleep(WARM_SECONDS)
        trio.lowlevel.add_instrument(counter)
        began, heard = time.process_time(), busy.heard
        await trio.sleep(SECONDS)
        took = time.process_time() - began
        nursery.cancel_scope.cancel()
    return took, counter.turns, 1_000 * took / (busy.heard - heard)


@define(eq=False)
class Counter(trio.abc.Instrument):
    """Counts the turns of a loop."""

    turns: int = 0

    def after_io_wait(self, _: float) -> None:
        """One more."""
        self.turns += 1


async def _look(settings: config.Config) -> None:
    while True:
        await trio.to_thread.run_sync(ask, settings.console_socket, "overview", abandon_on_cancel=True)
        await trio.sleep(1)


def main() -> None:
    """Print both shares."""
    a_turn = watching_a_turn()
    print(f"watching a turn of the loop takes {1e6 * a_turn:.2f} us")
    for looked_at in (False, True):
        with tempfile.TemporaryDirectory(prefix="nc-") as folder:
            home = Path(folder, "home")
            stuck_house.make(home, SESSIONS - len(KINDS))
            log_to_file(home / "logs" / "nanoclaw.log")
            settings = config.Config(
                home=home,
                sandbox=SandboxSettings(most_running=1_000, least_free_memory_percent=0),
                web=WebSettings(enabled=False),
            )
            took, turns, a_message = trio.run(partial(host_under_load, settings, looked_at=looked_at))
        print(
            f"{'looked at once a second' if looked_at else 'not looked at':24}"
            f" {100 * took / SECONDS:.0f} % of a processor, {a_message:.1f} ms a message,"
            f" {turns / SECONDS:.0f} turns a second, of which watching takes {100 * turns * a_turn / took:.2f} %"
        )


if __name__ == "__main__":
    main()

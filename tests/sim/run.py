"""One seed, one run: the world is made, the story told, the history checked."""

from __future__ import annotations

import gc
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import structlog
import trio
import trio._core._run as scheduler
import trio.testing
from attrs import frozen

from nanoclaw.actors.nets import Nets
from nanoclaw.kit.clock import TrioClock
from nanoclaw.store.home import make_folders
from nanoclaw.store.verify import verify
from tests.sim.checker import check
from tests.sim.clock import SimClock
from tests.sim.ending import Truth, read_truth
from tests.sim.history import History
from tests.sim.host import HostLife
from tests.sim.platform import Platform
from tests.sim.sandboxes import Yard
from tests.sim.story import Story
from tests.sim.town import MANNERS
from tests.sim.truth import new_database
from tests.sim.weather import Weather
from tests.sim.world import WIDE, World
from tests.support.central import NOW

SHARED_MEMORY = Path("/dev/shm")
FLAG: Final = "_ALLOW_DETERMINISTIC_SCHEDULING"
"""Trio's own switch, for tests. It is declared final; who sets it by name does so knowingly."""


@frozen
class Outcome:
    """What one run came to."""

    seed: int
    history: History
    truth: Truth
    digest: str
    problems: tuple[str, ...]
    seconds: float
    """Simulated."""


MakeLife: TypeAlias = Callable[[World], HostLife]
MakeStory: TypeAlias = Callable[[World, MakeLife, trio.Nursery], Story]


def run(seed: int, make_life: MakeLife = HostLife, make_story: MakeStory = Story, *, nets: Nets = WIDE) -> Outcome:
    """Run *seed*; the same seed gives the same outcome, whenever and wherever.

    Args:
      seed: Where all chance comes from.
      make_life: Makes the hosts.
      make_story: What happens.
      nets: How often the hosts look unasked.
    """
    folder = Path(tempfile.mkdtemp(prefix="sim-", dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None))
    clock = trio.testing.MockClock(autojump_threshold=0)
    try:
        with _quiet(), _deterministic(seed), _uncollected():
            return trio.run(_run, seed, folder, make_life, make_story, nets, clock=clock)
    finally:
        shutil.rmtree(folder)


async def _run(seed: int, home: Path, make_life: MakeLife, make_story: MakeStory, nets: Nets) -> Outcome:
    make_folders(home)
    history, weather, conn = History(), Weather(seed), new_database()
    clock = SimClock(TrioClock(NOW))
    async with trio.open_nursery() as nursery:
        yard = Yard(clock, weather, history, nursery)
        world = World(
            home=home,
            conn=conn,
            clock=clock,
            weather=weather,
            history=history,
            yard=yard,
            platforms=tuple(
                Platform(name, manners.keyed, manners.in_doubt, weather, history, nursery)
                for name, manners in MANNERS.items()
            ),
            engine_survives=weather.luck.random() < 0.5,
            nets=nets,
        )
        async with trio.open_nursery() as lives:
            story = make_story(world, make_life, lives)
            await story.tell()
        yard.kill_all()
    wrong = [f"{found.what}: {found.where}" for found in verify(conn, home, host=None, now=clock.now())]
    truth = read_truth(conn, wrong)
    problems = check(history, truth, story.undecided)
    return Outcome(seed, history, truth, history.digest(), tuple(problems), trio.current_time())


@contextmanager
def _deterministic(seed: int) -> Iterator[None]:
    """Let Trio take up the tasks that are ready in an order that comes out of *seed*."""
    before = scheduler._ALLOW_DETERMINISTIC_SCHEDULING
    setattr(scheduler, FLAG, True)
    scheduler._r.seed(seed)
    try:
        yield
    finally:
        setattr(scheduler, FLAG, before)
        scheduler._r.seed()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for cycles at the end, and not a hundred times on the way: a run is short."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _quiet() -> Iterator[None]:
    """Log nothing: a run says what happened by its history."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)

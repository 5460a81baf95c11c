"""The pool against random scripts: no ensure is lost, no child disturbs another.

Hypothesis writes what happens when and what each run of each child does;
the script is played on a mock clock of its own.
"""

from __future__ import annotations

from collections import Counter

import trio
from attrs import define, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from nanoclaw.kit.pool import Pool
from nanoclaw.kit.restart import ParkPolicy
from nanoclaw.kit.supervisor import Service

KEYS = "abc"
POLICY = ParkPolicy(intensity=2, period=10, pauses=(8, 16), first_delay=1, longest_delay=4)


@frozen
class Life:
    """What one run does: look, stay, then take its time to end well or badly."""

    stays: float
    ends_for: float
    fails: bool


@frozen
class Ask:
    """Put work there for *key*, then ensure its child, after a while."""

    after: float
    key: str


@define
class World:
    """Work waits for a child's look, as rows do. A run looks once, when it begins."""

    lives: dict[str, list[Life]]
    pool: Pool[str] = field(init=False)
    waiting: Counter[str] = field(factory=Counter)
    alive: Counter[str] = field(factory=Counter)
    looks: list[tuple[float, str]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.pool = Pool(self.start, POLICY)

    def start(self, key: str) -> Service:
        return lambda *, task_status: self.live(key, task_status)

    async def live(self, key: str, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        assert not self.alive[key], "two children with one key"
        self.alive[key] += 1
        try:
            self.waiting[key] = 0
            self.looks.append((trio.current_time(), key))
            life = self.lives[key].pop(0) if self.lives[key] else Life(0, 0, fails=False)
            await trio.sleep(life.stays)
            await trio.sleep(life.ends_for)
            if life.fails:
                raise ValueError("scripted")
        finally:
            self.alive[key] -= 1

    async def play(self, asks: list[Ask]) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(self.pool.run)
            for ask in asks:
                await trio.sleep(ask.after)
                self.waiting[ask.key] += 1
                self.pool.ensure(ask.key)
                assert ask.key in self.pool.running() | self.pool.parked().keys()
                assert not self.pool.running() & self.pool.parked().keys()
            await trio.sleep(10_000)
            assert not self.pool.running()
            assert not self.pool.parked()
            nursery.cancel_scope.cancel()


moments = st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0, 8.0, 20.0])
lives = st.builds(Life, moments, moments, st.booleans())
scripts = st.fixed_dictionaries({key: st.lists(lives, max_size=8) for key in KEYS})
asks = st.lists(st.builds(Ask, moments, st.sampled_from(KEYS)), max_size=12)


def play(lives: dict[str, list[Life]], asks: list[Ask]) -> World:
    world = World({key: list(script) for key, script in lives.items()})
    trio.run(world.play, asks, clock=MockClock(autojump_threshold=0))
    return world


@settings(deadline=None, max_examples=150)
@given(scripts, asks)
def test_all_work_that_was_asked_for_is_looked_at_in_the_end(lives: dict[str, list[Life]], asks: list[Ask]) -> None:
    world = play(lives, asks)
    assert not +world.waiting
    assert not +world.alive


@settings(deadline=None, max_examples=75)
@given(scripts, asks)
def test_what_one_child_does_changes_no_moment_of_another(lives: dict[str, list[Life]], asks: list[Ask]) -> None:
    # Each ask at a fraction of its own: what happens in one moment has no order to compare.
    asks = [Ask(ask.after + 1 / 64, ask.key) for ask in asks]
    together = [look for look in play(lives, asks).looks if look[1] == "a"]
    without = [Ask(ask.after, "a" if ask.key == "a" else "idle") for ask in asks]
    alone = [look for look in play({**lives, "idle": []}, without).looks if look[1] == "a"]
    assert together == alone

"""Somebody wants a child of a pool to be tried again now."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from nanoclaw.kit.pool import Pool
from tests.kit.scripts import POLICY, Script, fail


@pytest.mark.parametrize(
    ("at", "began"),
    [
        (0.5, [0, 0.5, 2.5, 62.5]),  # in the pause before a restart
        (4, [0, 1, 3, 8]),  # while it is told that it is parked
        (30, [0, 1, 3, 30]),
    ],
)
async def test_who_is_in_a_hurry_does_not_wait_out_a_pause(
    at: float, began: list[float], autojump_clock: MockClock
) -> None:
    async def on_park(key: str, exc: BaseException, pause: float, first: bool) -> None:
        await trio.sleep(5)

    script = Script({"a": fail})
    pool = Pool(script.start, POLICY, on_park)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        pool.hurry("a")
        pool.ensure("a")
        await trio.sleep(at)
        pool.hurry("a")
        await trio.sleep(100)
        nursery.cancel_scope.cancel()
    assert script.began["a"][: len(began)] == began


async def test_a_child_that_runs_is_in_no_pause_to_be_cut_short(autojump_clock: MockClock) -> None:
    async def fail_later() -> None:
        await trio.sleep(5)
        raise ValueError("boom")

    script = Script({"a": fail_later})
    pool = Pool(script.start, POLICY)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        pool.ensure("a")
        await trio.sleep(1)
        pool.hurry("a")
        await trio.sleep(6)
        nursery.cancel_scope.cancel()
    assert script.began == {"a": [0, 6]}

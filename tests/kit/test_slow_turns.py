"""What holds up the loop is named, with where it was; what does not is not."""

from __future__ import annotations

import time

import trio
import trio.lowlevel

from nanoclaw.kit.slow_turns import IDLE_SECONDS, Held, SlowTurns


def compute_for(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(100))


async def hold(seconds: float) -> None:
    compute_for(seconds)
    await trio.lowlevel.checkpoint()


async def test_a_turn_that_takes_too_long_is_told_with_its_stack() -> None:
    told: list[Held] = []
    with SlowTurns(told.append, limit=0.02, look=0.01).watching() as steps:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hold, IDLE_SECONDS + 0.2)  # a loop that waits is looked at so seldom
            nursery.start_soon(hold, 0.0)
        await trio.lowlevel.checkpoint()
    assert len(told) == 1
    assert told[0].seconds >= IDLE_SECONDS + 0.2
    assert any("compute_for" in line for line in told[0].stack)
    assert (steps.count, steps.longest) == (1, told[0])
    assert steps.signals()["loop"].startswith("held up 1 times, the longest for 1.")


async def test_a_loop_that_waits_is_not_held_up() -> None:
    told: list[Held] = []
    waited = trio.Event()
    with SlowTurns(told.append, limit=30, look=0.01).watching() as steps:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, compute_for, 0.1)
            nursery.start_soon(hold, 0.01)
            waited.set()
        await waited.wait()
    assert (told, steps.count, steps.signals()) == ([], 0, {})

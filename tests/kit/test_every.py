"""The periodic loop."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from nanoclaw.kit.every import every


async def starts_of(seconds: float, takes: Sequence[float], until: float) -> list[float]:
    """When the calls began, each taking what *takes* says, the rest no time."""
    begun: list[float] = []
    left = list(takes)

    async def do() -> None:
        begun.append(trio.current_time())
        if left:
            await trio.sleep(left.pop(0))

    with trio.move_on_after(until):
        await every(seconds, do)
    return begun


async def test_the_first_call_comes_after_one_beat(autojump_clock: MockClock) -> None:
    assert await starts_of(5, [], until=17) == [5, 10, 15]


async def test_a_slow_call_does_not_shift_the_beat(autojump_clock: MockClock) -> None:
    assert await starts_of(5, [3, 4], until=21) == [5, 10, 15, 20]


async def test_beats_missed_by_an_overrun_are_skipped(autojump_clock: MockClock) -> None:
    assert await starts_of(5, [12], until=31) == [5, 20, 25, 30]


async def test_a_call_that_ends_on_a_beat_is_followed_by_that_beat(
    autojump_clock: MockClock,
) -> None:
    assert await starts_of(5, [10], until=21) == [5, 15, 20]


async def test_an_error_ends_the_loop(autojump_clock: MockClock) -> None:
    async def do() -> None:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        await every(1, do)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
async def test_there_is_no_beat_without_length(seconds: float) -> None:
    with pytest.raises(ValueError, match="no beat"):
        await every(seconds, trio.lowlevel.checkpoint)


@settings(deadline=None)
@given(
    st.floats(0.001, 10),
    st.lists(st.floats(0, 35), max_size=8),
    st.floats(0, 1e6),
)
def test_no_beat_comes_twice_or_off_the_grid(seconds: float, takes: list[float], origin: float) -> None:
    clock = MockClock(autojump_threshold=0)
    clock.jump(origin)
    until = seconds * 5 + sum(takes)
    begun = trio.run(starts_of, seconds, takes, until, clock=clock)
    beats = [(at - origin) / seconds for at in begun]
    # The clock itself is a float: far from zero it knows times less exactly.
    tolerance = 1e-9 + 4e-10 / seconds
    assert all(abs(beat - round(beat)) < tolerance for beat in beats)
    numbers = [round(beat) for beat in beats]
    assert numbers == sorted(set(numbers))
    free = [at + taken for at, taken in zip(begun, [*takes, *([0.0] * len(begun))], strict=False)]
    for end, following in zip(free, begun[1:], strict=False):
        assert end - 1e-9 <= following < end + seconds * (1 + tolerance) + 1e-9

"""Staying connected: pauses that grow, are as long as was asked for, and start anew after a connection that held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import pytest
import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from nanoclaw.channels.reconnect import Ended, Next, ReconnectPolicy, after_end, stay_connected
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import ChannelName

HERE = ChannelName("there")
POLICY = ReconnectPolicy(first_pause=1.0, longest_pause=60.0, refused_pause=300.0, healthy=30.0)
WEATHER = DeliveryError(channel=HERE, why="rain", retryable=True)
REVOKED = DeliveryError(channel=HERE, why="no such token", retryable=False)

endings = st.builds(
    Ended,
    lasted=st.floats(0, 1e6),
    failed=st.booleans(),
    refused=st.booleans(),
    retry_after=st.none() | st.floats(0, 86_400),
)
luck = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("ended", "streak", "expected"),
    [
        (Ended(lasted=100, failed=False), 0, Next(0.0, 0)),
        (Ended(lasted=100, failed=True), 5, Next(1.0, 1)),
        (Ended(lasted=1, failed=False), 0, Next(1.0, 1)),
        (Ended(lasted=1, failed=False), 3, Next(8.0, 4)),
        (Ended(lasted=0, failed=True), 20, Next(60.0, 21)),
        (Ended(lasted=0, failed=True, refused=True), 0, Next(300.0, 1)),
        (Ended(lasted=0, failed=True, retry_after=3600.0), 0, Next(3600.0, 1)),
    ],
)
def test_a_pause_follows_from_how_it_ended(ended: Ended, streak: int, expected: Next) -> None:
    assert after_end(ended, streak, 1.0, POLICY) == expected


@given(endings, st.integers(0, 10**6), luck)
def test_no_pause_is_endless_and_none_is_shorter_than_was_asked(ended: Ended, streak: int, luck: float) -> None:
    following = after_end(ended, streak, luck, POLICY)
    assert (ended.retry_after or 0.0) <= following.pause <= max(300.0, ended.retry_after or 0.0)
    assert following.streak <= streak + 1


@given(st.lists(luck, min_size=20, max_size=20))
def test_whoever_hangs_up_at_once_is_not_called_without_a_pause(lucks: Sequence[float]) -> None:
    streak, waited = 0, 0.0
    for luck in lucks:
        following = after_end(Ended(lasted=0.1, failed=False), streak, luck, POLICY)
        streak, waited = following.streak, waited + following.pause
    assert waited >= 300


@define
class Line:
    """Connections that last, or fail, as a test says; the last of them for ever."""

    lives: list[tuple[float | None, BaseException | None]]
    """How long each is good, where it is at all, and what it ends with."""
    began: list[float] = field(factory=list[float])
    said: list[str] = field(factory=list[str])

    async def live(self, well: Callable[[], None]) -> None:
        """See `stay_connected`."""
        self.began.append(trio.current_time() - self.zero)
        lasts, end = self.lives.pop(0) if self.lives else (inf, None)
        if lasts is not None:
            well()
            await trio.sleep(lasts)
        if end is not None:
            raise end

    zero: float = field(factory=trio.current_time)

    async def run(self, seconds: float) -> list[float]:
        """When each connection was made, in so many seconds."""
        with trio.move_on_after(seconds):
            await stay_connected(HERE, self.live, policy=POLICY, luck=lambda: 0.999999, troubled=self.said.append)
        return [round(one) for one in self.began]


async def test_it_comes_back_later_and_later_and_starts_anew_after_one_that_held(autojump_clock: MockClock) -> None:
    line = Line([(None, WEATHER), (None, WEATHER), (None, WEATHER), (100.0, WEATHER), (100.0, None)])
    assert await line.run(1000.0) == [0, 1, 3, 7, 108, 208]
    assert line.said == [str(WEATHER)] * 3 + ["", str(WEATHER), "", ""]


async def test_what_only_a_person_can_mend_is_tried_again_all_the_same(autojump_clock: MockClock) -> None:
    assert await Line([(None, REVOKED), (5.0, REVOKED)]).run(1000.0) == [0, 300, 605]


async def test_a_failure_in_a_group_is_one_and_the_longest_wait_counts(autojump_clock: MockClock) -> None:
    asked = [DeliveryError(channel=HERE, why="later", retryable=True, retry_after=wait) for wait in (7.0, 40.0)]
    nested = BaseExceptionGroup("both", [asked[0], BaseExceptionGroup("inner", [asked[1]])])
    assert await Line([(None, nested)]).run(100.0) == [0, 40]


async def test_a_defect_is_not_waited_out(autojump_clock: MockClock) -> None:
    with pytest.raises(ZeroDivisionError):
        await Line([(None, ZeroDivisionError())]).run(100.0)

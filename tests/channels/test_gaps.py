"""Gaps are looked through place by place while live events flow: in order, and also if the host dies in the middle."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from functools import partial

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from nanoclaw.channels import gaps
from nanoclaw.channels.gaps import MARK, GapLooks
from nanoclaw.core.gaps import FIRST_PAUSE, LONGEST_WAIT
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import ChannelName
from tests.support.channels import MarksInMemory

NAME = ChannelName("parrot")
PLACES = ("a", "b", "c", "d", "e")


@define(eq=False)
class Platform:
    """What was said where, what was told of it to the house, and when."""

    missed: Mapping[str, list[str]]
    told: list[str] = field(factory=list[str])
    at: dict[str, float] = field(factory=dict[str, float])
    looks: list[str] = field(factory=list[str])
    refusals: list[DeliveryError] = field(factory=list[DeliveryError])
    """What the next looks end with."""
    found: dict[str, dict[str, str]] = field(factory=dict[str, dict[str, str]])
    """Places that are found on the way, by the place in which they are."""

    failing: set[str] = field(factory=set[str])
    """Places of which it says nothing, for as long as they are in here."""
    hangs: bool = False
    """Does it leave whoever asks for those without an answer, or say that it cannot tell?"""

    async def look(self, place: str, last: str) -> Mapping[str, str]:
        self.looks.append(place)
        await trio.sleep(1)
        while self.hangs and place in self.failing:  # noqa: ASYNC110 - nobody tells of it
            await trio.sleep(1)
        if place in self.failing:
            raise refused()
        if self.refusals:
            raise self.refusals.pop(0)
        for message in self.missed.get(place, ()):
            await self.tell(message)
        return self.found.get(place, {})

    async def tell(self, message: str) -> None:
        """The house stores it, once."""
        await trio.sleep(0.01)
        if message not in self.told:
            self.told.append(message)
            self.at[message] = trio.current_time()


def refused(retry_after: float | None = None, *, retryable: bool = True) -> DeliveryError:
    return DeliveryError(channel=NAME, why="no", retryable=retryable, retry_after=retry_after)


async def opened(platform: Platform, marks: MarksInMemory, *places: str) -> GapLooks:
    looks = GapLooks(NAME, marks, platform.look)
    await looks.restore()
    await looks.add(dict.fromkeys(places, "1"))
    return looks


async def closed(looks: GapLooks) -> None:
    while not looks.closed:  # noqa: ASYNC110 - nobody tells of it
        await trio.sleep(0.1)


async def test_what_is_said_where_nothing_is_missing_is_heard_at_once_and_what_waits_has_its_place_looked_through_first(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    platform = Platform({place: [f"{place}1"] for place in PLACES}, refusals=[refused(30.0)])
    looks = await opened(platform, MarksInMemory(), *PLACES)
    nursery.start_soon(looks.run)
    await trio.sleep(0.5)
    await looks.offer(("d",), partial(platform.tell, "d2"))
    await looks.offer(("z",), partial(platform.tell, "z1"))
    assert platform.told == ["z1"]
    await closed(looks)
    assert platform.looks[:2] == ["a", "d"]
    assert platform.told.index("d1") + 1 == platform.told.index("d2")
    assert platform.at["d2"] < 3
    assert platform.at["a1"] > 30
    await looks.offer(("d",), partial(platform.tell, "d3"))
    assert platform.told[-1] == "d3"


async def test_what_is_found_on_the_way_is_looked_through_before_what_waited_for_it(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    platform = Platform({"a": ["a1"], "a/t": ["t1"]}, found={"": {"a": "1"}, "a": {"a/t": "1"}})
    looks = await opened(platform, MarksInMemory(), "")
    for number in range(2, 5):
        await looks.offer(("", "a", "a/t"), partial(platform.tell, f"t{number}"))
    nursery.start_soon(looks.run)
    await closed(looks)
    assert platform.told == ["a1", "t1", "t2", "t3", "t4"]


@pytest.mark.parametrize("retryable", [True, False])
async def test_a_place_that_cannot_be_looked_through_holds_up_nobody_else(
    autojump_clock: MockClock, nursery: trio.Nursery, retryable: bool
) -> None:
    """Where trying again may help, what is live there waits; where it may not, it is heard without what is missing."""
    platform = Platform(
        {place: [f"{place}1"] for place in "ab"}, refusals=[refused(retryable=retryable) for _ in range(3)]
    )
    marks = MarksInMemory()
    looks = await opened(platform, marks, "a", "b")
    await looks.offer(("a",), partial(platform.tell, "a2"))
    nursery.start_soon(looks.run)
    await closed(looks)
    assert sorted(platform.told) == (["a1", "a2", "b1"] if retryable else ["a2"])
    assert marks.kept[MARK] == "{}"


@pytest.mark.parametrize("hangs", [True, False])
async def test_where_looks_fail_for_ever_live_events_are_heard_in_the_end_and_what_is_missing_when_it_can_be_read(
    autojump_clock: MockClock, nursery: trio.Nursery, hangs: bool
) -> None:
    platform = Platform({place: [f"{place}0"] for place in "ab"}, failing={"a"}, hangs=hangs)
    marks = MarksInMemory()
    looks = await opened(platform, marks, "a", "b")
    nursery.start_soon(looks.run)
    await trio.sleep(10)
    begun = trio.current_time()
    for number in range(1, 4):
        await looks.offer(("a",), partial(platform.tell, f"a{number}"))
    await trio.sleep(LONGEST_WAIT - 1)
    assert not {"a1", "a2"}.intersection(platform.told)
    await trio.sleep(2)
    assert [one for one in platform.told if one[0] == "a"] == ["a1", "a2", "a3"]
    assert platform.at["a3"] < begun + LONGEST_WAIT + 1
    await looks.offer(("a",), partial(platform.tell, "a4"))
    assert platform.told[-1] == "a4"
    assert "a" in json.loads(marks.kept[MARK])
    platform.failing.clear()
    await closed(looks)
    assert "a0" in platform.told
    assert marks.kept[MARK] == "{}"


async def test_a_look_that_fails_half_way_goes_on_from_there_also_in_the_next_life(autojump_clock: MockClock) -> None:
    marks, began = MarksInMemory(), list[str]()

    async def look(place: str, last: str) -> Mapping[str, str]:
        began.append(last)
        await looks.reached(place, str(int(last) + 100))
        raise refused()

    for _ in range(2):
        looks = GapLooks(NAME, marks, look)
        await looks.restore()
        await looks.add({"a": "1"})
        with trio.move_on_after(FIRST_PAUSE * 1.5):
            await looks.run()
    assert began == ["1", "101", "201", "301"]


async def test_more_than_can_wait_holds_up_what_comes_next(
    autojump_clock: MockClock, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps, "MOST_HELD", 3)
    platform = Platform({"a": ["a0"]})
    looks = await opened(platform, MarksInMemory(), "a")
    nursery.start_soon(looks.run)
    for number in range(1, 10):
        await looks.offer(("a",), partial(platform.tell, f"a{number}"))
    await closed(looks)
    assert platform.told == [f"a{number}" for number in range(10)]


@pytest.mark.parametrize("seed", range(40))
async def test_order_is_kept_in_each_place_and_nothing_is_lost_whenever_connections_and_hosts_end(
    autojump_clock: MockClock, seed: int
) -> None:
    """Each life's live events are told again by the platform to the next, as all do that nobody has acknowledged."""
    luck = random.Random(seed)
    platform = Platform({place: [f"{place}{number}" for number in range(luck.randint(0, 4))] for place in PLACES})
    platform.refusals = [refused(luck.choice([None, 0.5, 3.0])) for _ in range(luck.randint(0, 6))]
    live = [f"{place}{number}" for number in range(4, 8) for place in luck.sample(PLACES, len(PLACES))]
    marks = MarksInMemory()
    looks = await opened(platform, marks, *PLACES)
    while not looks.closed or any(message not in platform.told for message in live):
        if luck.random() < 0.5:
            looks = await opened(platform, marks)
        looks.begin()
        with trio.move_on_after(luck.uniform(0.5, 8)):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(looks.run)
                for message in [one for one in live if one not in platform.told]:
                    await trio.sleep(luck.uniform(0, 0.5))
                    await looks.offer((message[0],), partial(platform.tell, message))
                await closed(looks)
                nursery.cancel_scope.cancel()
    for place in PLACES:
        told = [message for message in platform.told if message[0] == place]
        assert told == [*platform.missed[place], *(f"{place}{number}" for number in range(4, 8))]

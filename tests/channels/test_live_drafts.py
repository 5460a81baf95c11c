"""Drafts as messages that change: once a second at most, never in the way of the reply, and gone in the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from nanoclaw.channels.base import Draft
from nanoclaw.channels.live_drafts import (
    EVERY_SECONDS,
    FIRST_SECONDS,
    MARK,
    PATIENCE_SECONDS,
    WRITING,
    LiveDrafts,
    Shown,
    fitting,
)
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.clock import TrioClock
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address
from tests.support.central import NOW
from tests.support.channels import MarksInMemory

NAME = ChannelName("parrot")
ROOM = Address(channel=NAME, platform_id="room", thread_id="t1")


@define(eq=False)
class Wall:
    """A `Board`: what stands there, by id, and every change with its time."""

    there: dict[str, str] = field(factory=dict[str, str])
    keys: dict[str, str] = field(factory=dict[str, str])
    changes: list[tuple[float, str]] = field(factory=list[tuple[float, str]])
    trouble: list[DeliveryError] = field(factory=list[DeliveryError])
    """What the next requests end with."""
    hangs: bool = False
    """Is a message shown, and that never said?"""

    async def post(self, to: Address, key: str, text: str) -> str:
        assert to == ROOM
        await self._ask()
        number = str(len(self.keys) + 1)
        self.there[number], self.keys[key] = text, number
        self.changes.append((trio.current_time(), text))
        if self.hangs:
            await trio.sleep_forever()
        return number

    async def change(self, to: Address, message: str, text: str) -> None:
        assert to == ROOM
        await self._ask()
        self.there[message] = text
        self.changes.append((trio.current_time(), text))

    async def remove(self, to: Address, message: str) -> None:
        assert to == ROOM
        await self._ask()
        self.there.pop(message, None)

    async def find(self, shown: Shown) -> str | None:
        await self._ask()
        return self.keys.get(shown.key)

    async def _ask(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.trouble:
            raise self.trouble.pop(0)


def trouble(*, retryable: bool = True, retry_after: float | None = None) -> DeliveryError:
    return DeliveryError(channel=NAME, why="no", retryable=retryable, retry_after=retry_after)


@asynccontextmanager
async def living(wall: Wall, marks: MarksInMemory) -> AsyncGenerator[LiveDrafts]:
    """One life of a channel's drafts."""
    drafts = LiveDrafts(NAME, marks, TrioClock(NOW))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drafts.run, wall)
        yield drafts
        nursery.cancel_scope.cancel()


def draft(text: str, reply: str = "r1", speaker: str = "Nano") -> Draft:
    return Draft(reply=reply, to=ROOM, text=text, tool=None, speaker=speaker)


async def write(drafts: LiveDrafts, seconds: float, reply: str = "r1") -> None:
    """A reply grows ten times a second, for so long."""
    for number in range(round(seconds * 10)):
        drafts.offer(draft("word " * (number + 1), reply))
        await trio.sleep(0.1)


async def test_a_draft_grows_once_a_second_at_most_and_goes_when_the_reply_is_there(autojump_clock: MockClock) -> None:
    wall, marks = Wall(), MarksInMemory()
    async with living(wall, marks) as drafts:
        await write(drafts, 10)
        times = [at for at, _ in wall.changes]
        assert times[0] >= FIRST_SECONDS
        assert all(after - before >= EVERY_SECONDS - 0.001 for before, after in pairwise(times))
        assert len(times) >= 6
        assert all(text.endswith(WRITING) for _, text in wall.changes)
        drafts.said(ROOM, "Nano")
        drafts.offer(draft("a late word"))
        await trio.sleep(10)
        assert (wall.there, marks.kept[MARK]) == ({}, "[]")


async def test_a_quick_reply_has_no_draft(autojump_clock: MockClock) -> None:
    wall = Wall()
    async with living(wall, MarksInMemory()) as drafts:
        await write(drafts, FIRST_SECONDS / 2)
        drafts.said(ROOM, "Nano")
        await trio.sleep(10)
    assert wall.changes == []


async def test_what_is_said_elsewhere_ends_no_draft_and_silence_does(autojump_clock: MockClock) -> None:
    wall = Wall()
    async with living(wall, MarksInMemory()) as drafts:
        await write(drafts, 5)
        drafts.said(Address(channel=NAME, platform_id="room"), "Nano")
        await trio.sleep(5)
        assert len(wall.there) == 1
        await trio.sleep(PATIENCE_SECONDS * 2 + 1)
        assert wall.there == {}


async def test_what_one_agent_says_ends_no_draft_of_another_and_replies_of_one_name_are_two(
    autojump_clock: MockClock,
) -> None:
    wall = Wall()
    async with living(wall, MarksInMemory()) as drafts:
        for number in range(50):
            for speaker in ("Nano", "Other"):
                drafts.offer(draft(f"{speaker} {number}", speaker=speaker))
            await trio.sleep(0.1)
        assert len(wall.there) == 2
        drafts.said(ROOM, None)
        drafts.said(ROOM, "Other")
        await trio.sleep(1)
        (left,) = wall.there.values()
    assert left.startswith("Nano")


@pytest.mark.parametrize("refused", [trouble(), trouble(retryable=False), trouble(retry_after=3.0)])
async def test_a_refused_request_is_let_be_and_the_next_is_made(
    autojump_clock: MockClock, refused: DeliveryError
) -> None:
    wall = Wall()
    async with living(wall, MarksInMemory()) as drafts:
        await write(drafts, 4)
        wall.trouble = [refused]
        before = len(wall.changes)
        await write(drafts, 8)
        assert len(wall.changes) > before
        wall.trouble = [trouble()] * 3
        drafts.said(ROOM, "Nano")
        await trio.sleep(60)
    assert wall.there == {}


async def test_a_draft_that_was_put_off_when_it_began_is_shown_later(autojump_clock: MockClock) -> None:
    wall, marks = Wall(trouble=[trouble(retry_after=3.0)]), MarksInMemory()
    async with living(wall, marks) as drafts:
        await write(drafts, FIRST_SECONDS + 2)
        assert (wall.there, marks.kept[MARK]) == ({}, "[]")
        await write(drafts, 4)
        assert len(wall.there) == 1
        drafts.said(ROOM, "Nano")
        await trio.sleep(10)
    assert (wall.there, marks.kept[MARK]) == ({}, "[]")


@pytest.mark.parametrize("hangs", [False, True])
async def test_what_a_host_left_that_died_is_taken_away_by_the_next(autojump_clock: MockClock, hangs: bool) -> None:
    """Whether it knew the id of what it posted, or died before it was told."""
    wall, marks = Wall(hangs=hangs), MarksInMemory()
    async with living(wall, marks) as drafts:
        await write(drafts, 5)
    assert len(wall.there) == 1
    wall.hangs, wall.trouble = False, [trouble()] * 8
    async with living(wall, marks):
        await trio.sleep(600)
    assert (wall.there, marks.kept[MARK]) == ({}, "[]")


async def test_marks_that_make_no_sense_are_left_out(autojump_clock: MockClock) -> None:
    wall, marks = Wall(), MarksInMemory({MARK: "[{}"})
    async with living(wall, marks) as drafts:
        await write(drafts, 5)
    assert len(wall.there) == 1


def test_what_is_too_long_is_cut() -> None:
    assert fitting("x" * 1000, 100, len) == "x" * len(fitting("x" * 1000, 100, len))
    assert 0 < len(fitting("x" * 1000, 100, len)) <= 100

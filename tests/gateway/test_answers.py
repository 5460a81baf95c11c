"""The host's end of the line to the gateway's process: what it answers, and what it takes for no process of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from attrs import define, field

from nanoclaw.core.egress import Policy
from nanoclaw.core.endpoints import ANTHROPIC, Endpoint, read_endpoint
from nanoclaw.core.model_requests import Refuse
from nanoclaw.core.model_usage import Counted, Meter
from nanoclaw.errors import StoreError
from nanoclaw.gateway.answers import NOBODY, UNREADABLE, Answers
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.egress import Egress
from nanoclaw.gateway.frames import (
    Allowed,
    Answer,
    Begins,
    Found,
    FrameError,
    Granted,
    MayCall,
    MayReach,
    Over,
    Shut,
    ToGateway,
    Took,
    Unanswerable,
    WhereProxy,
)
from nanoclaw.gateway.gateway import Way
from nanoclaw.gateway.told import Begun, Told
from nanoclaw.model.egress import Outcome
from nanoclaw.model.ids import SessionId

ADA, BOB = SessionId("ses-ada"), SessionId("ses-bob")
TOLD = Told(method="GET", place="example.org:80", outcome=Outcome.ALLOWED, why="example.org:80")
BEGUN = Begun(method="GET", place="example.org:80")
NOT_COUNTED = Refuse(status=403, kind="permission_error", why="not counted")


async def allow() -> Policy:
    await trio.lowlevel.checkpoint()
    return Policy(agent="ada")


async def cannot_say() -> Endpoint:
    raise UnreachableError("OneCLI is away")


@define(eq=False)
class Desk:
    """Answers for two sandboxes: 1, Ada's, with rules; 2, Bob's, with OneCLI."""

    answers: Answers = field(init=False)
    ways: dict[int, Way] = field(factory=dict[int, Way])
    told: list[Told] = field(factory=list[Told])
    said: dict[int, Found] = field(factory=dict[int, Found])
    counted: list[Counted] = field(factory=list[Counted])
    broken: bool = False

    def hear(self, said: ToGateway) -> None:
        assert isinstance(said, Answer)
        self.said[said.number] = said.found

    @asynccontextmanager
    async def turn(self, _: SessionId, countable: bool) -> AsyncIterator[Meter | Refuse]:
        await trio.lowlevel.checkpoint()
        if self.broken:
            raise StoreError("the disk is gone")
        meter = Meter()
        try:
            yield meter if countable else NOT_COUNTED
        finally:
            self.counted.append(meter.total())


@asynccontextmanager
async def open_desk() -> AsyncIterator[Desk]:
    desk = Desk()
    egress = Egress(policy=allow, tell=desk.told.append)
    model = read_endpoint(ANTHROPIC)
    desk.ways[1] = Way(session=ADA, folder=Path("/"), owner=None, endpoint=model, egress=egress)
    desk.ways[2] = Way(session=BOB, folder=Path("/"), owner=None, endpoint=model, proxy=cannot_say)
    async with trio.open_nursery() as nursery:
        desk.answers = Answers(desk.hear, desk.ways, desk.turn, nursery)
        yield desk
        nursery.cancel_scope.cancel()


async def settle() -> None:
    await trio.testing.wait_all_tasks_blocked()


async def test_a_turn_is_kept_until_it_is_over_and_counts_what_was_said_last() -> None:
    async with open_desk() as desk:
        desk.answers.hear(MayCall(number=1, session=ADA, countable=True))
        await settle()
        assert desk.said == {1: Granted()}
        desk.answers.hear(Took(number=1, counted=Counted(read=5, estimated=True)))
        await settle()
        assert desk.counted == []
        desk.answers.hear(Took(number=1, counted=Counted(read=7), over=True))
        await settle()
        assert desk.counted == [Counted(read=7)]


async def test_a_process_that_ends_in_the_middle_of_a_call_has_said_what_is_counted() -> None:
    async with open_desk() as desk:
        desk.answers.hear(MayCall(number=1, session=ADA, countable=True))
        await settle()
        desk.answers.hear(Took(number=1, counted=Counted(read=5, estimated=True)))
    assert desk.counted == [Counted(read=5, estimated=True)]


async def test_one_that_nobody_waits_for_any_more_costs_nothing_and_holds_up_nobody() -> None:
    async with open_desk() as desk:
        desk.answers.hear(MayCall(number=1, session=ADA, countable=True))
        desk.answers.hear(Took(number=1, counted=Counted(), over=True))
        await settle()
        assert desk.said == {}
        assert desk.counted in ([], [Counted()])


async def test_what_cannot_be_judged_is_refused() -> None:
    async with open_desk() as desk:
        desk.answers.hear(MayCall(number=1, session=SessionId("ses-none"), countable=True))
        desk.answers.hear(MayCall(number=2, session=ADA, countable=False))
        await settle()
        desk.broken = True
        desk.answers.hear(MayCall(number=3, session=ADA, countable=True))
        await settle()
        assert desk.said == {
            1: NOBODY,
            2: Refuse(status=403, kind="permission_error", why="not counted"),
            3: UNREADABLE,
        }


async def test_each_sandbox_is_told_of_its_own_way_and_of_no_other() -> None:
    async with open_desk() as desk:
        desk.answers.hear(MayReach(number=1, way=1))
        desk.answers.hear(MayReach(number=2, way=2))
        desk.answers.hear(WhereProxy(number=3, way=1))
        desk.answers.hear(WhereProxy(number=4, way=2))
        desk.answers.hear(MayReach(number=5, way=3))
        await settle()
        assert desk.said[1] == Allowed(way=1, policy=Policy(agent="ada"))
        desk.answers.hear(MayReach(number=6, way=1))
        await settle()
        assert desk.said[6] == Allowed(way=1, policy=None)
        assert desk.said[4] == Unanswerable(why="OneCLI is away")
        assert all(isinstance(desk.said[number], Unanswerable) for number in (2, 3, 5))


async def test_the_last_of_a_way_that_is_closed_is_written_down_too() -> None:
    async with open_desk() as desk:
        for number in (1, 2, 3):
            desk.answers.hear(Begins(number=number, way=1, begun=BEGUN))
        desk.answers.hear(Over(number=1, told=TOLD))
        way = desk.ways.pop(1)
        shut = desk.answers.close(1, way)
        desk.answers.hear(Over(number=2, told=TOLD))
        assert not shut.is_set()
        desk.answers.hear(Shut(way=1))
        assert shut.is_set()
        assert desk.told == [TOLD, TOLD]
        with pytest.raises(FrameError):
            desk.answers.hear(Over(number=1, told=TOLD))
        with pytest.raises(FrameError):
            desk.answers.hear(Begins(number=4, way=1, begun=BEGUN))
        desk.answers.end(heard_all=True)
        assert [(one.place, one.outcome, one.why) for one in desk.told[2:]] == [
            (BEGUN.place, Outcome.FAILED, "the gateway ended in the middle of it")
        ]


async def test_one_that_asks_more_than_it_can_have_connections_is_none_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_desk() as desk:
        monkeypatch.setattr("nanoclaw.gateway.answers.MOST_QUESTIONS", 10)
        for number in range(10):
            desk.answers.hear(MayReach(number=number, way=1))
        with pytest.raises(FrameError):
            desk.answers.hear(MayReach(number=10, way=1))

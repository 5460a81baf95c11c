"""Every request of a sandbox is written down once, also those that were told of while the host stops."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
import trio.testing
from attrs import define, field

from nanoclaw.actors.egress_desk import MOST_AT_A_TIME, EgressDesk
from nanoclaw.gateway.told import Told
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.egress import Outcome
from nanoclaw.model.ids import SessionId
from nanoclaw.store.egress import log_of
from nanoclaw.store.sessions import session_place
from tests.support.approvals_case import HostClock
from tests.support.central import World
from tests.support.inline_database import InlineDatabase


@define
class Case:
    """A desk, and an agent whose sandbox asks for places."""

    store: InlineDatabase = field(factory=InlineDatabase)
    world: World = field(init=False)
    session: SessionId = field(init=False)
    desk: EgressDesk = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.world = World(conn=self.store.conn)
        self.session = self.world.session()
        self.desk = EgressDesk(self.store, HostClock(self.world), TreeNode("egress"))

    def ask(self, *places: str) -> None:
        place = session_place(self.world.conn, self.session)
        assert place is not None
        for one in places:
            told = Told(method="GET", place=one, outcome=Outcome.REFUSED, why="not allowed")
            self.desk.of(place.session, lambda: None).tell(told)

    @property
    def written(self) -> list[str]:
        return [one.place for one in reversed(log_of(self.store.conn, most=2 * MOST_AT_A_TIME))]


@pytest.fixture
async def case() -> AsyncIterator[Case]:
    case = Case()
    yield case
    case.store.close()


async def test_what_waits_when_the_host_stops_is_written_and_nothing_twice(
    case: Case, autojump_clock: trio.testing.MockClock
) -> None:
    del autojump_clock
    places = [f"{number}.example:80" for number in range(MOST_AT_A_TIME + 20)]
    async with trio.open_nursery() as nursery:
        await nursery.start(case.desk.run)
        case.ask("first.example:80")
        await trio.testing.wait_all_tasks_blocked()
        assert case.written == ["first.example:80"]
        case.ask(*places)
        nursery.cancel_scope.cancel()
    assert case.written == ["first.example:80", *places]


async def test_a_stop_in_the_middle_of_a_write_writes_nothing_twice(
    case: Case, autojump_clock: trio.testing.MockClock
) -> None:
    del autojump_clock
    for steps in range(8):
        before = len(case.written)
        async with trio.open_nursery() as nursery:
            await nursery.start(case.desk.run)
            case.ask(f"{steps}.example:80")
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        assert len(case.written) == before + 1

"""Budgets hold although the gateway dies between "may I" and "it took so much": what was spent is counted."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import h11
import pytest
import trio
from attrs import define, field

from nanoclaw.actors.till import Till
from nanoclaw.core.budgets import Budget
from nanoclaw.gateway.wire import GoneError
from nanoclaw.model.ids import AgentGroupId, SessionId
from nanoclaw.store import spending
from tests.gateway.apart import Apart, open_apart
from tests.gateway.upstream import Line
from tests.support.approvals_case import HostClock
from tests.support.central import World
from tests.support.inline_database import InlineDatabase
from tests.support.model_wire import Says, Turn, events

NANO = AgentGroupId("agt-nano")


@define(eq=False)
class House:
    """An agent with a budget, a model that thinks until it is told to answer, and the gateway apart."""

    world: World
    store: InlineDatabase
    session: SessionId
    apart: Apart = field(init=False)
    asked: trio.Event = field(factory=trio.Event)
    calls: int = 0
    begins: bool = False
    """Does the model begin to answer before it thinks?"""

    def limit(self, tokens: int) -> None:
        spending.set_budget(self.store.conn, NANO, Budget(tokens_day=tokens), now=self.world.now)

    def spent(self) -> int:
        return spending.spent(self.store.conn, NANO, f"{self.world.now:%Y-%m-%d}").tokens_day

    async def model(self, line: Line) -> None:
        while await line.next_request() is not None:
            self.calls += 1
            turn = Turn(parts=(Says("once more"),), read=400, written=100)
            pieces = [piece for piece in events(turn, self.calls, "m") if isinstance(piece, bytes)]
            if self.calls == 1:
                if self.begins:
                    await line.begin(content_type="text/event-stream")
                    await line.wire.send(h11.Data(data=pieces[0]))
                self.asked.set()
                await trio.sleep_forever()
            await line.say(*pieces, content_type="text/event-stream")

    async def ask(self, size: int) -> int:
        """The status of the answer to a call that is so large."""
        return (await (await self.apart.gate.caller(self.session)).ask(b"x" * size)).status

    async def die_in_the_middle(self, size: int) -> None:
        """Put a call of that size, and have the gateway killed while the model is at it."""
        caller = await self.apart.gate.caller(self.session)
        await caller.begin(b"x" * size)
        await self.asked.wait()
        if self.begins:
            await caller.head()
            await caller.wire.receive(5)
        os.kill(await self.apart.pid(), signal.SIGKILL)
        with pytest.raises(GoneError):
            await caller.hear()


@asynccontextmanager
async def a_house(folder: Path) -> AsyncIterator[House]:
    store = InlineDatabase()
    world = World(conn=store.conn)
    session = world.session("nano")
    world.message(session, "please")
    house = House(world, store, session)
    till = Till(store, HostClock(world), "UTC", lambda _: None)
    async with open_apart(folder, house.model, turns=till.call, session=session) as house.apart:
        yield house
    store.close()


async def test_a_call_is_counted_although_the_gateway_dies_in_the_middle_of_it(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        house.limit(150)
        await house.die_in_the_middle(600)
        assert await house.ask(10) == 403
        assert (house.calls, house.spent()) == (1, 200)


async def test_what_the_model_has_said_of_it_counts_and_the_turn_is_the_next_ones(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        house.begins = True
        house.limit(900)
        await house.die_in_the_middle(60)
        assert await house.ask(10) == 200
        assert await house.ask(10) == 403
        assert house.calls == 2
        assert house.spent() >= 900


async def test_a_call_that_ends_well_is_counted_once(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        house.calls = 1
        house.limit(700)
        assert [await house.ask(10) for _ in range(3)] == [200, 200, 403]
        assert (house.calls, house.spent()) == (3, 1_000)

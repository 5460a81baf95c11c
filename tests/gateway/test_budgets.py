"""Budgets hold at the gateway, over real sockets: whoever asks for ever is stopped within one call of the limit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import define, field

from nanoclaw.actors.till import Till
from nanoclaw.core.budgets import Budget
from nanoclaw.gateway.gateway import Gateway
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.ids import AgentGroupId, SessionId
from nanoclaw.store import spending
from nanoclaw.store.ledger import Lane
from schema.sqlite import fetch
from tests.gateway.upstream import Gate, Line, open_upstream
from tests.support.approvals_case import HostClock
from tests.support.central import CHANNEL, World
from tests.support.inline_database import InlineDatabase
from tests.support.model_wire import Says, Turn, Uses, events, message_body

ON_AND_ON = Turn(parts=(Says("once more"), Uses("look")), read=400, written=100)


@define(eq=False)
class House:
    """A gateway with a till, an agent in a chat, and a model that counts its calls."""

    world: World
    store: InlineDatabase
    gate: Gate
    session: SessionId
    told: list[Lane] = field(factory=list[Lane])
    calls: int = 0
    most_at_once: int = 0
    group: AgentGroupId = field(factory=lambda: AgentGroupId("agt-nano"))
    together: int = 1
    """The model answers once so many ask at the same time."""
    full: trio.Event = field(factory=trio.Event)

    def limit(self, **limits: int) -> None:
        spending.set_budget(self.store.conn, self.group, Budget(**limits), now=self.world.now)

    def spent(self) -> tuple[int, int]:
        found = spending.spent(self.store.conn, self.group, f"{self.world.now:%Y-%m-%d}")
        return found.tokens_day, found.tokens_month

    def notices(self) -> list[str]:
        rows = fetch(self.store.conn, "SELECT content FROM ledger WHERE epoch IS NULL ORDER BY position")
        return [str(json.loads(str(row["content"]))["text"]) for row in rows]


@asynccontextmanager
async def a_house(folder: Path, turn: Turn = ON_AND_ON, *, stream: bool = True) -> AsyncIterator[House]:
    store = InlineDatabase()
    world = World(conn=store.conn)
    session = world.session("nano")
    world.message(session, "please")
    house = House(world, store, Gate(Gateway(lambda _: None, TreeNode("none")), folder), session)
    now = 0

    async def model(line: Line) -> None:
        nonlocal now
        while await line.next_request() is not None:
            house.calls += 1
            now += 1
            house.most_at_once = max(house.most_at_once, now)
            if now == house.together:
                house.full.set()
            await house.full.wait()
            await trio.lowlevel.checkpoint()
            now -= 1
            if stream:
                pieces = [piece for piece in events(turn, house.calls, "claude-opus-4-5") if isinstance(piece, bytes)]
                await line.say(*pieces, content_type="text/event-stream")
            else:
                await line.say(message_body(turn, house.calls, "m"), content_type="application/json")

    till = Till(store, HostClock(world), "UTC", house.told.extend)
    gateway = Gateway(lambda _: None, TreeNode("gateway"), turns=till.call)
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(open_upstream(model))
        nursery = await stack.enter_async_context(trio.open_nursery())
        await nursery.start(gateway.run)
        house.gate = await stack.enter_async_context(Gate(gateway, folder))
        await stack.enter_async_context(gateway.open(house.gate.way(upstream.endpoint, session)))
        yield house
        nursery.cancel_scope.cancel()
    store.close()


async def run_away(house: House, times: int = 20) -> list[int]:
    """An agent that asks again whatever comes; the statuses of what it hears."""
    caller = await house.gate.caller(house.session)
    return [(await caller.ask(b'{"model": "m"}')).status for _ in range(times)]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_runaway_agent_stops_within_one_call_of_its_limit(tmp_path: Path, stream: bool) -> None:
    async with a_house(tmp_path, stream=stream) as house:
        house.limit(tokens_day=2_100)
        assert await run_away(house) == [200] * 5 + [403] * 15
        assert house.calls == 5
        assert house.spent() == (2_500, 2_500)


async def test_many_that_run_away_at_once_stop_there_as_well(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        house.limit(tokens_day=2_100)
        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(run_away, house, 5)
        assert (house.calls, house.most_at_once, house.spent()[0]) == (5, 1, 2_500)


async def test_without_a_budget_calls_go_side_by_side_and_are_counted_all_the_same(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        house.together = 4
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(run_away, house, 2)
        assert house.calls == 8
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert house.most_at_once == 4
        assert house.spent() == (4_000, 4_000)


async def test_its_chat_is_told_once_a_day_and_the_model_in_its_own_words(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        house.limit(tokens_day=1)
        caller = await house.gate.caller(house.session)
        assert (await caller.ask(b"{}")).status == 200
        refused = await caller.ask(b"{}")
        assert refused.error["type"] == "permission_error"
        assert "The budget of this agent for today is used up (500 tokens of 1 tokens)" in refused.error["message"]
        assert refused.headers[b"x-should-retry"] == b"false"
        await run_away(house, 3)
        assert house.notices() == [refused.error["message"]]
        assert house.told == [Lane(CHANNEL, "room")] * 4
        house.world.wait(seconds=86_400)
        assert await run_away(house, 2) == [200, 403]
        assert len(house.notices()) == 2


async def test_more_is_allowed_from_the_next_call_on_and_money_counts_too(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        house.limit(micros_month=5_000)
        assert await run_away(house, 3) == [200, 200, 403]
        house.limit(micros_month=100_000)
        assert await run_away(house, 1) == [200]
        await trio.testing.wait_all_tasks_blocked(0.01)
        (total,) = spending.sums(house.store.conn, spending.By.AGENT)
        assert (total.what, total.model, total.calls, total.micros) == ("nano", "claude-opus-4-5", 3, 3 * 4_500)


async def test_what_cannot_be_counted_does_not_pass_where_there_is_a_budget_and_what_costs_nothing_does(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path) as house:
        caller = await house.gate.caller(house.session)
        assert (await caller.ask(b"{}", target="/v1/messages/batches")).status == 200
        house.limit(tokens_day=1)
        assert (await caller.ask(b"{}", target="/v1/messages/batches")).status == 403
        await run_away(house, 2)
        assert (await caller.ask(b"{}", target="/v1/messages/count_tokens")).status == 200
        await caller.begin(target="/v1/models", method="GET")
        assert (await caller.hear()).status == 200


async def test_an_agent_that_leaves_before_the_end_pays_for_what_it_has_heard(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        house.limit(tokens_day=10)
        caller = await house.gate.caller(house.session)
        await caller.begin(b"x" * 300)
        await house.full.wait()
        await caller.wire.close()
        # The model has been asked; the next call waits for its turn, and so until that one has been counted.
        assert await run_away(house, 1) == [403]
        assert house.spent()[0] >= 100


async def test_answers_are_asked_for_as_plain_text_so_that_they_can_be_counted(tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def model(line: Line) -> None:
        while (request := await line.next_request()) is not None:
            seen.append(request.headers.get(b"accept-encoding", b"-"))
            await line.say(b"{}")

    async with open_upstream(model) as upstream, AsyncExitStack() as stack:
        gateway = Gateway(lambda _: None, TreeNode("gateway"))
        nursery = await stack.enter_async_context(trio.open_nursery())
        await nursery.start(gateway.run)
        gate = await stack.enter_async_context(Gate(gateway, tmp_path))
        await stack.enter_async_context(gateway.open(gate.way(upstream.endpoint)))
        await (await gate.caller()).ask(b"{}", accept_encoding="gzip, br")
        nursery.cancel_scope.cancel()
    assert seen == [b"identity"]

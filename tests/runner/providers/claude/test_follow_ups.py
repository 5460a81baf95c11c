"""The real command line is told more while it speaks: each result says which inputs it answers."""

from __future__ import annotations

import pytest

from runner.providers.base import Event, Input, Query, Result, Taken, TextDelta
from tests.runner.providers.claude.desk import MOST_SECONDS, Desk, answers, rest, until
from tests.support.model_wire import Gate, Says, Turn, says

pytestmark = pytest.mark.timeout(MOST_SECONDS)


def settled(events: list[Event]) -> list[list[str]]:
    """The inputs that each result answers, as a runner reckons: those taken before it and not settled by another."""
    found: list[list[str]] = []
    open_: list[str] = []
    for event in events:
        if isinstance(event, Taken):
            open_.append(event.input)
        elif isinstance(event, Result):
            found.append(open_)
            open_ = []
    return found


async def speaking(query: Query) -> list[Event]:
    """What happens until the model is in the middle of its first answer."""
    delta, before = await until(query, TextDelta)
    return [*before, delta]


async def test_what_is_pushed_while_the_model_speaks_is_the_next_turn(desk: Desk) -> None:
    gate = Gate()
    desk.model.then(Turn(parts=(Says("I begin"), gate, Says("and end"))), says("the second"))
    async with desk.query("first") as query:
        events = await speaking(query)
        query.push(Input(id="2", text="more"))
        gate.opened.set()
        query.end()
        events += await rest(query)
    assert settled(events) == [["1"], ["2"]]
    assert answers(events)[1] == "the second"
    assert "more" in desk.model.asked[1].last


async def test_what_is_pushed_at_once_may_share_a_turn_and_is_settled_with_it(desk: Desk) -> None:
    gate = Gate()
    desk.model.then(Turn(parts=(Says("I begin"), gate, Says("and end"))))
    async with desk.query("first") as query:
        events = await speaking(query)
        query.push(Input(id="2", text="more of it"))
        query.push(Input(id="3", text="and yet more"))
        gate.opened.set()
        query.end()
        events += await rest(query)
    found = settled(events)
    assert found[0] == ["1"]
    assert [name for group in found[1:] for name in group] == ["2", "3"]
    said = "\n".join(asked.last for asked in desk.model.asked[1:])
    assert "more of it" in said
    assert "and yet more" in said


async def test_what_is_said_before_the_command_line_is_there_is_not_lost(desk: Desk) -> None:
    async with desk.query("first") as query:
        query.push(Input(id="2", text="second"))
        query.push(Input(id="3", text="third"))
        query.end()
        events = await rest(query)
    assert [name for group in settled(events) for name in group] == ["1", "2", "3"]


async def test_an_exchange_without_anything_under_way_ends_at_once(desk: Desk) -> None:
    async with desk.query("first") as query:
        await until(query, Result)
        query.end()
        query.end()
        assert all(not isinstance(event, Result) for event in await rest(query))

"""The demo as a provider: events, pushes, ends."""

from __future__ import annotations

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from runner.core.prompt import Message, Prompt, SystemResponse, render
from runner.errors import MarkupError
from runner.providers.base import Event, Init, Input, Provider, Query, Result, Taken
from runner.providers.demo import CRASH_CODE, DemoProvider
from tests.runner.link import NOW


def prompt(text: str) -> Input:
    item = Message(id=2, source="room", sender="Ada", time=NOW, text=text)
    return Input(id=f"said {text}", text=render(Prompt(timezone="UTC", now=NOW, items=(item,))))


UNADDRESSED = SystemResponse(time=NOW, action="unaddressed", text="to whom?")
NOTICE = Input(id="notice", text=render(Prompt(timezone="UTC", now=NOW, items=(UNADDRESSED,))))


@define(eq=False)
class Process:
    """One that notes its end instead of dying."""

    codes: list[int] = field(factory=list[int])

    def end(self, code: int) -> None:
        """Note it."""
        self.codes.append(code)


async def rest(query: Query) -> list[Event]:
    """All events until there are no more."""
    events = []
    while (event := await query.next_event()) is not None:
        events.append(event)
    return events


async def test_a_prompt_is_answered_after_the_session_has_its_name() -> None:
    provider: Provider = DemoProvider("Nano")
    async with provider.query(prompt("hello"), None, "") as query:
        assert await query.next_event() == Init("1")
        assert await query.next_event() == Taken("said hello")
        assert isinstance(await query.next_event(), Result)
        query.end()
        query.end()
        assert await query.next_event() is None


@pytest.mark.parametrize(("continuation", "turn"), [(None, "1"), ("4", "5"), ("nonsense", "1"), ("", "1")])
async def test_the_continuation_counts_turns(continuation: str | None, turn: str) -> None:
    async with DemoProvider("Nano").query(prompt("hello"), continuation, "") as query:
        assert await query.next_event() == Init(turn)


async def test_without_an_end_it_waits_to_be_told_more(autojump_clock: MockClock) -> None:
    async with DemoProvider("Nano").query(prompt("make"), None, "") as query:
        await query.next_event()
        await query.next_event()
        first = await query.next_event()
        with trio.move_on_after(5) as waiting:
            await query.next_event()
        assert waiting.cancelled_caught
        query.push(NOTICE)
        assert isinstance(first, Result)
        assert await query.next_event() == Taken("notice")
        assert await query.next_event() == Result(f'<message to="room">{first.text}</message>', continuation="1")


async def test_what_is_pushed_is_a_turn_of_its_own() -> None:
    async with DemoProvider("Nano").query(prompt("hello"), "4", "") as query:
        query.push(prompt("make"))
        query.end()
        events = await rest(query)
    assert events[:2] == [Init("5"), Taken("said hello")]
    assert events[3:5] == [Init("6"), Taken("said make")]
    assert [isinstance(event, Result) for event in events] == [False, False, True] * 2


async def test_an_event_that_was_cancelled_is_not_lost(autojump_clock: MockClock) -> None:
    async with DemoProvider("Nano").query(prompt("wait 1"), None, "") as query:
        for _ in range(3):
            await query.next_event()
        with trio.move_on_after(0.5):
            await query.next_event()
        query.end()
        assert len(await rest(query)) == 3


async def test_waiting_takes_the_time_it_says(autojump_clock: MockClock) -> None:
    start = trio.current_time()
    async with DemoProvider("Nano").query(prompt("wait 2.5"), None, "") as query:
        query.end()
        await rest(query)
    assert trio.current_time() - start == pytest.approx(2.5)


async def test_an_echo_takes_no_time(autojump_clock: MockClock) -> None:
    start = trio.current_time()
    async with DemoProvider("Nano").query(prompt("make haste"), None, "") as query:
        query.end()
        await rest(query)
    assert trio.current_time() == start


async def test_an_abort_ends_the_events() -> None:
    async with DemoProvider("Nano").query(prompt("wait 60"), None, "") as query:
        await query.next_event()
        query.abort()
        query.abort()
        assert await query.next_event() is None


async def test_crash_ends_the_process() -> None:
    process = Process()
    async with DemoProvider("Nano", process.end).query(prompt("crash"), None, "") as query:
        query.end()
        await rest(query)
    assert process.codes == [CRASH_CODE]


async def test_a_prompt_that_is_none_is_an_error() -> None:
    async with DemoProvider("Nano").query(Input(id="1", text="plain words"), None, "") as query:
        with pytest.raises(MarkupError):
            await query.next_event()

"""What every provider has to do: a suite for any of them. See `docs/providers.md`.

A test module derives a class from `ProviderContract` and says how its provider is made:

    class TestMine(ProviderContract):
        @asynccontextmanager
        async def provider(self) -> AsyncIterator[Provider]:
            yield MyProvider(...)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from itertools import takewhile
from uuid import uuid4

import pytest
import trio

from runner.core.prompt import Message, Prompt, render
from runner.providers.base import (
    Event,
    Init,
    Input,
    Provider,
    ProviderError,
    Query,
    Result,
    Taken,
    ToolEnded,
    ToolStarted,
    Trouble,
)
from tests.support.in_time import once_in_time

ANSWER_SECONDS = 60.0
LEAVE_SECONDS = 4.0
"""What a host gives a runner that it has told to leave."""
WHEN = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)


def said(text: str) -> Input:
    """Somebody says *text* in the chat "room"."""
    message = Message(id=2, source="room", sender="Ada", time=WHEN, text=text)
    return Input(id=str(uuid4()), text=render(Prompt(timezone="UTC", now=WHEN, items=(message,))))


class ProviderContract(ABC):
    """The suite."""

    quick: str = "hello"
    """What is answered soon."""
    lasting: str = "wait 30"
    """What keeps it busy for much longer than a test takes."""
    unknown_session: str | None = None
    """A continuation that it does not know; None if it takes any."""

    @abstractmethod
    def provider(self) -> AbstractAsyncContextManager[Provider]:
        """The provider, ready for use."""

    async def test_it_has_a_name_that_can_be_a_key(self) -> None:
        async with self.provider() as provider:
            assert provider.name.isidentifier()
            assert provider.native_commands in (True, False)

    async def test_it_names_its_session_and_takes_the_input_before_it_answers(self) -> None:
        async with self.provider() as provider:
            first = said(self.quick)
            async with provider.query(first, None, "You are Nano.") as query:
                events = await until_result(query)
        assert any(isinstance(event, Init) and event.continuation for event in events)
        assert taken(events) == [first.id]

    async def test_after_a_result_it_waits_for_more_and_answers_that_as_well(self) -> None:
        async with self.provider() as provider:
            first, second = said(self.quick), said(self.quick)
            async with provider.query(first, None, "") as query:
                events = await until_result(query)
                with trio.move_on_after(0.5) as waiting:
                    # Signs of life may come at any time, and no end.
                    while await query.next_event() is not None:
                        pass
                assert waiting.cancelled_caught, "it ended by itself"
                query.push(second)
                events += await until_result(query)
        assert taken(events) == [first.id, second.id]

    async def test_everything_that_is_said_meanwhile_is_taken_once_and_answered(self) -> None:
        async with self.provider() as provider:
            inputs = [said(self.quick) for _ in range(3)]
            async with provider.query(inputs[0], None, "") as query:
                for more in inputs[1:]:
                    query.push(more)
                query.end()
                events = await rest(query)
        assert sorted(taken(events)) == sorted(one.id for one in inputs)
        after_last_result = list(takewhile(lambda event: not isinstance(event, Result), reversed(events)))
        assert not taken(after_last_result), "what is taken is answered"

    async def test_tools_that_start_end_before_the_result(self) -> None:
        async with self.provider() as provider, provider.query(said(self.quick), None, "") as query:
            events = await until_result(query)
        started = {event.use for event in events if isinstance(event, ToolStarted)}
        assert started <= {event.use for event in events if isinstance(event, ToolEnded)}

    async def test_it_goes_on_in_the_session_that_it_is_given(self) -> None:
        async with self.provider() as provider:
            async with provider.query(said(self.quick), None, "") as query:
                name = last_name(await until_result(query))
            async with provider.query(said(self.quick), name, "") as query:
                assert last_name(await until_result(query))

    async def test_a_session_that_it_does_not_know_is_a_trouble_of_its_own(self) -> None:
        async with self.provider() as provider:
            async with provider.query(said(self.quick), self.unknown_session, "") as query:
                events = await rest(query) if self.unknown_session else await until_result(query)
            if self.unknown_session is None:
                assert last_name(events)
                return
            error = events[-1]
            assert isinstance(error, ProviderError)
            assert error.trouble is Trouble.UNKNOWN_SESSION
            assert not any(isinstance(event, Taken | Result) for event in events)

    async def test_told_to_end_it_ends_after_what_is_under_way(self) -> None:
        async with self.provider() as provider, provider.query(said(self.quick), None, "") as query:
            query.end()
            query.end()
            events = await rest(query)
        assert any(isinstance(event, Result) for event in events)

    async def test_told_to_stop_it_stops_whatever_it_is_at(self) -> None:
        async def stops() -> float:
            async with self.provider() as provider, provider.query(said(self.lasting), None, "") as query:
                await query.next_event()
                query.abort()
                query.abort()
                begin = trio.current_time()
                events = await rest(query)
                took = trio.current_time() - begin
            assert not any(isinstance(event, Result) for event in events)
            return took

        await once_in_time(LEAVE_SECONDS, stops)

    async def test_left_by_cancellation_it_is_gone_in_time(self) -> None:
        async def is_gone() -> float:
            async with self.provider() as provider:
                begin = trio.current_time()
                with trio.CancelScope() as scope:
                    async with provider.query(said(self.lasting), None, "") as query:
                        await query.next_event()
                        begin = trio.current_time()
                        scope.cancel()
                        await rest(query)
                assert scope.cancelled_caught
                return trio.current_time() - begin

        await once_in_time(LEAVE_SECONDS, is_gone)

    async def test_an_event_that_nobody_waited_for_any_more_is_not_lost(self) -> None:
        async with self.provider() as provider:
            first = said(self.quick)
            events: list[Event] = []
            async with provider.query(first, None, "") as query:
                with trio.fail_after(ANSWER_SECONDS):
                    while not any(isinstance(event, Result) for event in events):
                        with trio.move_on_after(0.001):
                            event = await query.next_event()
                            assert event is not None
                            events.append(event)
        assert taken(events) == [first.id]
        assert last_name(events)


async def until_result(query: Query) -> list[Event]:
    """The events up to the next result. Fails if it does not come, or an error does."""
    events: list[Event] = []
    with trio.fail_after(ANSWER_SECONDS):
        while not events or not isinstance(events[-1], Result):
            event = await query.next_event()
            if event is None or isinstance(event, ProviderError):
                pytest.fail(f"no result, but {event}")
            events.append(event)
    return events


async def rest(query: Query) -> list[Event]:
    """The events until there are no more."""
    events: list[Event] = []
    with trio.fail_after(ANSWER_SECONDS):
        while (event := await query.next_event()) is not None:
            events.append(event)
    return events


def taken(events: list[Event]) -> list[str]:
    """The inputs that were taken."""
    return [event.input for event in events if isinstance(event, Taken)]


def last_name(events: list[Event]) -> str:
    """What the session is called by now."""
    names = [event.continuation for event in events if isinstance(event, Init)]
    assert names, "the session has no name"
    return names[-1]

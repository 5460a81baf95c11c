"""The real command line meets trouble: limits, overload, broken streams, refusals, its own end, and being stopped."""

from __future__ import annotations

import os
import signal

import pytest
import trio

from runner.providers.base import Init, ProviderError, Result, Taken, ToolStarted, Trouble, Waiting
from runner.providers.claude.processes import kill
from runner.providers.claude.query import LEAVE_SECONDS
from tests.runner.providers.claude.desk import MOST_SECONDS, PATIENCE_SECONDS, Desk, answers, of, rest, until
from tests.support.in_time import once_in_time
from tests.support.model_wire import (
    BROKEN,
    INVALID,
    OVERLOADED,
    UNAUTHORIZED,
    Gate,
    Refusal,
    Says,
    Turn,
    limited,
    says,
    uses,
)

pytestmark = pytest.mark.timeout(MOST_SECONDS)

STOPPED_WITHIN = LEAVE_SECONDS
AT_WORK = 4
"""Processes: the command line, its shell, and two of the test's."""


async def test_a_limit_is_waited_for_and_said(desk: Desk) -> None:
    desk.model.then(limited("1"), says("now it went"))
    events = await desk.ask("hello")
    waits = of(Waiting, events)
    assert [wait.why for wait in waits] == [Trouble.RATE_LIMIT]
    assert answers(events) == ["now it went"]
    assert desk.model.asked[1].at - desk.model.asked[0].at >= 1.0


async def test_overload_is_waited_for_and_said(desk: Desk) -> None:
    desk.model.then(OVERLOADED, says("now it went"))
    events = await desk.ask("hello")
    (wait,) = of(Waiting, events)
    assert wait.why is Trouble.OVERLOADED
    assert wait.seconds is not None
    assert answers(events) == ["now it went"]


async def test_a_stream_that_is_cut_is_asked_for_again(desk: Desk) -> None:
    desk.model.then(Turn(parts=(Says("this goes wrong in the middle of it"),), cut_after=3), says("whole"))
    events = await desk.ask("hello")
    assert answers(events) == ["whole"]
    assert of(Taken, events) == [Taken("1")]


@pytest.mark.parametrize(
    ("refusal", "trouble", "retryable"),
    [
        (INVALID, Trouble.REFUSED, False),
        (limited("1"), Trouble.RATE_LIMIT, True),
        (BROKEN, Trouble.SERVER, True),
    ],
)
async def test_what_does_not_go_away_is_an_error_and_the_last_event(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, refusal: Refusal, trouble: Trouble, retryable: bool
) -> None:
    monkeypatch.setenv("CLAUDE_CODE_MAX_RETRIES", "0")
    desk.model.rule = lambda _: refusal
    events = await desk.ask("hello")
    (error,) = of(ProviderError, events)
    assert (error.trouble, error.retryable) == (trouble, retryable)
    assert of(Result, events) == []
    assert events[-1] is error


async def test_a_key_that_is_refused_is_told_after_a_second_try_and_not_after_minutes(desk: Desk) -> None:
    desk.model.rule = lambda _: UNAUTHORIZED
    events = await desk.ask("hello")
    (error,) = of(ProviderError, events)
    assert error.trouble is Trouble.REFUSED
    assert len(desk.model.asked) == 2


async def test_a_command_line_that_says_nothing_any_more_is_given_up(desk: Desk) -> None:
    desk.most_silence = 1.0
    desk.model.then(Turn(parts=(Says("I begin"), Gate())))
    events = await desk.ask("hello")
    (error,) = of(ProviderError, events)
    assert (error.trouble, error.retryable) == (Trouble.CRASHED, True)
    assert "has said nothing for 1 s" in error.message
    assert desk.processes() == []


async def test_a_tool_may_be_silent_for_longer(desk: Desk) -> None:
    # On a machine that has more to do, the command line itself says nothing for a second or two.
    desk.most_silence = 4.0
    desk.model.then(uses("Bash", command="sleep 4.5; echo done"), says("it is done"))
    assert answers(await desk.ask("do it")) == ["it is done"]


async def test_a_command_line_that_dies_is_an_error_after_which_the_conversation_goes_on(desk: Desk) -> None:
    first = await desk.ask("remember: seven")
    (session,) = {init.continuation for init in of(Init, first)}
    desk.model.then(Turn(parts=(Says("I begin"), Gate())))
    async with desk.query("again", session) as query:
        await desk.model.request(2)
        for process in desk.processes():
            os.kill(process.pid, signal.SIGKILL)
        (error,) = of(ProviderError, await rest(query))
    assert (error.trouble, error.retryable) == (Trouble.CRASHED, True)
    desk.model.then(says("seven"))
    assert answers(await desk.ask("what was it?", session)) == ["seven"]
    assert "remember: seven" in desk.model.asked[-1].said


async def test_being_stopped_in_a_tool_leaves_no_process_behind(desk: Desk) -> None:
    await once_in_time(STOPPED_WITHIN, lambda: is_stopped_in_a_tool(desk))


async def is_stopped_in_a_tool(desk: Desk) -> float:
    """The seconds that it took."""
    ready = desk.folder / f"ready-{len(desk.model.asked)}"
    ignoring = "trap '' HUP INT TERM; setsid tail -f /dev/null & setsid tail -f /dev/null"
    desk.model.then(uses("Bash", command=f"touch {ready}; {ignoring}"))
    async with desk.query("first") as query:
        await until(query, ToolStarted)
        with trio.fail_after(PATIENCE_SECONDS):
            while not ready.exists() or len(desk.processes()) < AT_WORK:  # noqa: ASYNC110 - another process's
                await trio.sleep(0.02)
        started = desk.processes()
        start = trio.current_time()
        query.abort()
        events = await rest(query)
        took = trio.current_time() - start
    assert of(ProviderError, events) == []
    assert kill(started) == 0
    return took


async def test_being_stopped_while_the_model_speaks_ends_the_request_and_the_session_goes_on(desk: Desk) -> None:
    desk.model.then(Turn(parts=(Says("I begin"), Gate())))
    async with desk.query("a long story, please") as query:
        init, _ = await until(query, Init)
        await desk.model.request(1)
        query.abort()
        await rest(query)
    assert desk.processes() == []
    events = await desk.ask("and now?", init.continuation)
    assert desk.model.asked[1].session == init.continuation
    assert len(answers(events)) == 1


async def test_being_cancelled_ends_everything_within_a_bounded_time(desk: Desk) -> None:
    await once_in_time(STOPPED_WITHIN, lambda: is_cancelled(desk))


async def is_cancelled(desk: Desk) -> float:
    """The seconds that it took."""
    asked = len(desk.model.asked)
    desk.model.then(Turn(parts=(Says("I begin"), Gate())))
    with trio.CancelScope() as scope:
        async with desk.query("first") as query:
            await until(query, Init)
            await desk.model.request(asked + 1)
            start = trio.current_time()
            scope.cancel()
    took = trio.current_time() - start
    assert desk.processes() == []
    return took


async def test_being_cancelled_before_the_command_line_is_there_leaves_nothing(desk: Desk) -> None:
    with trio.move_on_after(0.3):
        async with desk.query("first") as query:
            await rest(query)
    assert desk.processes() == []

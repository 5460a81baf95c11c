"""Trouble on demand: each kind is what it says, and words that only look like it are not."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
import trio
from trio.testing import MockClock

from runner.providers.base import Event, Init, ProviderError, Result, Taken, ToolEnded, ToolStarted
from runner.providers.base import Trouble as Kind
from runner.providers.demo import A_YEAR_OF_SECONDS, DemoProvider
from runner.providers.demo_trouble import Crash, Freeze, Limit, Pause, Trouble, trouble
from tests.runner.providers.test_demo import prompt


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("Crash!", [Crash()]),
        ("freeze", [Freeze()]),
        ("hang.", [ToolStarted("hang", "hang"), Pause(math.inf), ToolEnded("hang")]),
        (
            "Work 2.5",
            [
                ToolStarted("work", "work", timedelta(seconds=2.5)),
                Pause(2.5),
                ToolEnded("work"),
                "I worked for 2.5 s and had said so.",
            ],
        ),
        ("limited 5", [Limit(5), "I was refused for 5 s."]),
    ],
)
def test_each_kind_of_trouble_has_its_word(text: str, steps: list[Trouble]) -> None:
    assert trouble(text) == steps


@pytest.mark.parametrize(
    "text", ["", "freeze it", "hang on", "work", "work hard", "work 3601", "limited", "limited -1", "work 1 2"]
)
def test_other_words_are_no_trouble(text: str) -> None:
    assert trouble(text) == []


async def first_event(provider: DemoProvider, text: str) -> Event | None:
    """What comes after the session's name."""
    async with provider.query(prompt(text), None, "") as query:
        assert isinstance(await query.next_event(), Init)
        assert isinstance(await query.next_event(), Taken)
        return await query.next_event()


async def test_a_limit_refuses_until_its_time_is_over_and_the_next_one_begins_anew(autojump_clock: MockClock) -> None:
    provider = DemoProvider("Nano")
    refused = ProviderError(message="429: asked for too much", retryable=True, trouble=Kind.RATE_LIMIT)
    for _ in range(2):
        assert await first_event(provider, "limited 5") == refused
        await trio.sleep(4.9)
        assert await first_event(provider, "limited 5") == refused
        await trio.sleep(0.1)
        assert await first_event(provider, "limited 5") == Result("I was refused for 5 s.", continuation="1")


async def test_frozen_nothing_runs_for_as_long_as_anybody_would_wait() -> None:
    frozen: list[float] = []
    assert isinstance(await first_event(DemoProvider("Nano", freeze=frozen.append), "freeze"), Result)
    assert frozen == [A_YEAR_OF_SECONDS]


async def test_a_tool_that_hangs_shows_nothing_for_ever(autojump_clock: MockClock) -> None:
    provider = DemoProvider("Nano")
    async with provider.query(prompt("hang"), None, "") as query:
        await query.next_event()
        await query.next_event()
        assert await query.next_event() == ToolStarted("hang", "hang")
        with trio.move_on_after(1_000_000) as waiting:
            await query.next_event()
    assert waiting.cancelled_caught

"""The real command line shortens its memory: what was said is kept first, and what must survive is said again."""

from __future__ import annotations

import pytest

from runner.providers.base import Compacted, Input, Result, Taken
from runner.providers.claude.events import COMPACTED
from runner.providers.claude.options import TO_SURVIVE
from tests.runner.providers.claude.desk import INSTRUCTIONS, MOST_SECONDS, Desk, answers, of, rest, until
from tests.support.model_wire import Says, Turn, says

pytestmark = pytest.mark.timeout(MOST_SECONDS)

SUMMARY = "<summary>They said hello to each other.</summary>"


async def test_what_was_said_is_kept_as_markdown_before_it_is_forgotten(desk: Desk) -> None:
    desk.model.then(says("Good morning."), says(SUMMARY), says("As I said."))
    async with desk.query("hello there") as query:
        await until(query, Result)
        query.push(Input(id="2", text="/compact"))
        told, before = await until(query, Result)
        query.push(Input(id="3", text="what did you say?"))
        query.end()
        after = await rest(query)
    assert told.text == COMPACTED
    assert of(Taken, before) == [Taken("2")]
    assert len(of(Compacted, [*before, *after])) == 1
    (kept,) = (desk.folder / "conversations").iterdir()
    text = kept.read_text()
    assert "**User**: hello there" in text
    assert "**Nano**: Good morning." in text
    assert TO_SURVIVE in desk.model.asked[1].last
    last = desk.model.asked[-1]
    assert "Good morning." not in last.said
    assert "They said hello" in last.said
    assert INSTRUCTIONS in last.system


async def test_a_conversation_that_gets_too_long_is_kept_and_shortened_and_its_next_input_is_answered(
    desk: Desk,
) -> None:
    desk.model.then(says("one"), says("two"), says("three"), Turn(parts=(Says("four"),), read=170_000))
    async with desk.query("hello there") as query:
        await until(query, Result)
        for number in range(2, 5):
            query.push(Input(id=str(number), text="word " * 2_000))
            await until(query, Result)
        desk.model.then(says(SUMMARY), says("As I said."))
        query.push(Input(id="5", text="and now?"))
        query.end()
        events = await rest(query)
    assert of(Taken, events) == [Taken("5")]
    assert answers(events) == ["As I said."]
    assert len(of(Compacted, events)) == 1
    assert TO_SURVIVE in desk.model.asked[-2].last
    (kept,) = (desk.folder / "conversations").iterdir()
    assert "**Nano**: four" in kept.read_text()

"""Whatever people write, an agent is shown what it is, and reads back what it was shown."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.core.items import Prompt
from runner.core.prompt import parse, prompt_of, render
from runner.errors import MarkupError
from schema.payloads import InPayload
from schema.rows import InKind
from tests.runner.core.hostile import ANYTHING, MAYBE, PAYLOADS, PROMPTS
from tests.runner.core.test_prompt import LISBON, incoming
from tests.runner.link import NOW, destination

EXAMPLES = settings().max_examples
THOROUGHLY = settings(max_examples=EXAMPLES if EXAMPLES < 10_000 else 10 * EXAMPLES)
"""100,000 examples in a soak."""

WRITTEN = st.lists(st.tuples(PAYLOADS, MAYBE), max_size=4)


@THOROUGHLY
@given(PROMPTS)
def test_a_prompt_reads_as_it_was_rendered(prompt: Prompt) -> None:
    assert parse(render(prompt)) == prompt


@THOROUGHLY
@given(WRITTEN, ANYTHING)
def test_whatever_people_write_a_batch_reads_as_what_it_is(
    written: list[tuple[tuple[InKind, InPayload], str | None]], name: str
) -> None:
    batch = [incoming(kind, payload, 2 * at + 2, "c", place) for at, ((kind, payload), place) in enumerate(written)]
    prompt = prompt_of(batch, [destination(name)], NOW, LISBON)
    assert parse(render(prompt)) == prompt
    assert [item.id for item in prompt.items] == [one.row.seq for one in batch]


@given(ANYTHING)
def test_what_people_write_is_no_prompt_by_itself(text: str) -> None:
    try:
        prompt = parse(text)
    except MarkupError:
        return
    assert render(prompt) == text

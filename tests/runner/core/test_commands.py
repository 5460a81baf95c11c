"""Which rows are commands."""

from __future__ import annotations

import pytest
from attrs import evolve

from runner.core.commands import as_said, command_of
from schema import payloads
from schema.payloads import Task
from schema.rows import InKind, MessageIn
from tests.runner.core.test_batch import row
from tests.runner.link import chat


def said(text: str) -> MessageIn:
    return evolve(row(2), content=payloads.write(chat(text)))


@pytest.mark.parametrize("text", ["/clear", "@nano /CLEAR now", "/clear@nano_bot"])
def test_clear_is_for_every_runner(text: str) -> None:
    for native in (True, False):
        assert command_of(said(text), native=native) is not None


def test_any_other_is_for_those_that_understand_it() -> None:
    found = command_of(said("@nano: /Review the last  one"), native=True)
    assert found is not None
    assert as_said(found) == "/review the last  one"
    assert command_of(said("/review"), native=False) is None


@pytest.mark.parametrize("text", ["clear", "see /clear", "/etc/hosts", ""])
def test_words_are_none(text: str) -> None:
    assert command_of(said(text), native=True) is None


def test_only_what_somebody_says_to_the_agent_is_one() -> None:
    assert command_of(evolve(said("/clear"), trigger=False), native=True) is None
    task = evolve(row(2), kind=InKind.TASK, content=payloads.write(Task(prompt="/clear")))
    assert command_of(task, native=True) is None
    assert command_of(evolve(said("/clear"), channel_type="agent", platform_id="agt"), native=True) is None
    assert command_of(evolve(row(2), content='{"text": "/clear"}'), native=True) is None

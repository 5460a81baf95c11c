"""All tools together: what a provider and a model can rely on."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.arguments import Refused
from runner.tools.base import Tool, Toolbox
from runner.tools.toolbox import DEFINITIONS, new_id
from schema.payloads import MOST_LABEL
from schema.requests import ACTIONS
from tests.runner.tools.bench import Bench

TOOLS = [one.tool for one in DEFINITIONS.values()]


def properties(tool: Tool) -> dict[str, dict[str, object]]:
    """What a tool takes, by name."""
    found = tool.parameters["properties"]
    assert isinstance(found, dict)
    return found


def test_the_tools_are_those_of_the_contract() -> None:
    assert list(DEFINITIONS) == [
        "send_message",
        "send_file",
        "edit_message",
        "add_reaction",
        "send_card",
        "ask_user_question",
        *ACTIONS,
    ]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_tells_a_model_what_it_takes_and_takes_nothing_else(tool: Tool) -> None:
    assert tool.description.endswith(".")
    assert tool.parameters["type"] == "object"
    assert tool.parameters["additionalProperties"] is False
    required = tool.parameters["required"]
    assert isinstance(required, list)
    assert set(required) <= set(properties(tool))
    for parameter in properties(tool).values():
        assert str(parameter["description"]).endswith(".")


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = sorted({name for tool in TOOLS for name in properties(tool)})


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
@given(data=st.data())
def test_no_arguments_make_a_tool_raise(tool: Tool, data: st.DataObject) -> None:
    given = data.draw(st.dictionaries(st.sampled_from([*NAMES, "x"]), ANY))
    read = DEFINITIONS[tool.name].read(given)
    if isinstance(read, Refused):
        assert read.why.endswith(".")
    else:
        assert given.keys() <= properties(tool).keys()


async def test_a_toolbox_is_one_to_providers(bench: Bench) -> None:
    toolbox: Toolbox = bench.tools
    assert list(toolbox.tools) == TOOLS
    assert (await toolbox.call("send_message", {"text": "a"})).failed is False


def test_a_question_has_a_name_that_fits_every_platform_and_that_nobody_can_guess() -> None:
    names = {new_id() for _ in range(100)}
    assert len(names) == 100
    assert all(re.fullmatch(r"q-[0-9a-f]{16}", name) and len(name) <= MOST_LABEL for name in names)

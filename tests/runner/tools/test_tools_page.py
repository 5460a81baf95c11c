"""The page about the tools says what they are."""

from __future__ import annotations

import re

import pytest

from runner.tools import asking, questions
from runner.tools.base import Tool
from runner.tools.toolbox import DEFINITIONS
from schema.files import MOST_FILE_BYTES
from schema.payloads import MOST_OPTIONS, MOST_WAIT_SECONDS
from tests.runner.tools.test_toolbox import properties
from tests.test_docs import page, rows

PAGE = "docs/tools.md"
ROWS = {row[0]: row for row in rows(page(PAGE))}


def test_every_tool_is_documented_and_no_other_is() -> None:
    assert list(ROWS) == list(DEFINITIONS)


@pytest.mark.parametrize("tool", [one.tool for one in DEFINITIONS.values()], ids=lambda tool: tool.name)
def test_every_parameter_is_documented_and_whether_it_may_be_left_out(tool: Tool) -> None:
    required = tool.parameters["required"]
    assert isinstance(required, list)
    names = [("" if name in required else "[", name) for name in properties(tool)]
    assert sorted(re.findall(r"(\[?)`?(\w+)`?", ROWS[tool.name][1])) == sorted(names)


def test_the_limits_are_those_of_the_code() -> None:
    text = page(PAGE)
    for limit in (
        f"at most {MOST_FILE_BYTES >> 20} MiB",
        f"1 to {MOST_OPTIONS} answers",
        f"at most {MOST_WAIT_SECONDS:,}:",
        f"waits {questions.SECONDS} s",
        f"at most {asking.PATIENCE_SECONDS:g} s",
    ):
        assert limit in " ".join(text.split()), limit

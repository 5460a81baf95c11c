"""Of several tools the one is shown that keeps a sandbox alive the longest."""

from __future__ import annotations

from datetime import timedelta

from runner.core.doing import Tool, state_of
from schema.rows import Phase
from schema.seq import HIGHEST
from tests.runner.link import NOW


def tool(name: str, seconds: float | None = None, ago: float = 0) -> Tool:
    declared = None if seconds is None else timedelta(seconds=seconds)
    return Tool(name=name, declared=declared, since=NOW - timedelta(seconds=ago))


def test_without_tools_there_is_the_phase() -> None:
    state = state_of(Phase.IDLE, NOW)
    assert (state.phase, state.current_tool, state.tool_started_at, state.updated_at) == (Phase.IDLE, None, None, NOW)


def test_a_tool_is_shown_with_what_it_declared_and_since_when() -> None:
    state = state_of(Phase.TURN, NOW, [tool("Bash\n", 90.5, ago=3)])
    assert (state.current_tool, state.tool_declared_timeout_ms) == ("Bash?", 90_500)
    assert state.tool_started_at == NOW - timedelta(seconds=3)


def test_the_one_that_may_run_the_longest_is_shown() -> None:
    assert state_of(Phase.TURN, NOW, [tool("a", 90), tool("b"), tool("c", 100, ago=20)]).current_tool == "a"
    assert state_of(Phase.TURN, NOW, [tool("a", ago=2), tool("b", ago=1), tool("c", ago=3)]).current_tool == "b"


def test_what_makes_no_sense_is_made_to_fit() -> None:
    assert state_of(Phase.TURN, NOW, [tool("", -5)]).current_tool == "?"
    assert state_of(Phase.TURN, NOW, [tool("a", -5)]).tool_declared_timeout_ms == 0
    longest = Tool(name="a", declared=timedelta.max, since=NOW)
    assert (state_of(Phase.TURN, NOW, [longest]).tool_declared_timeout_ms or 0) <= HIGHEST

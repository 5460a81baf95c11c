"""What hooks do with what the command line tells them, also where it makes no sense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import define, field
from claude_agent_sdk.types import SyncHookJSONOutput

from runner.providers.base import Activity, Event, ToolEnded, ToolStarted
from runner.providers.claude.hooks import LONGEST, Hooks, declared_timeout

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@define
class Seen:
    """Hooks, and what they said."""

    folder: Path
    events: list[Event] = field(factory=list[Event])
    hooks: Hooks = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.hooks = Hooks(self.events.append, {"Nope": "Do not."}, self.folder, "Nano", lambda: NOW)

    async def start(self, use: str, name: str = "Read") -> SyncHookJSONOutput:
        """A tool is about to run."""
        return await self.hooks.before_tool({"tool_name": name, "tool_input": {}, "tool_use_id": use}, use, None)


@pytest.fixture
def seen(tmp_path: Path) -> Seen:
    return Seen(tmp_path / "conversations")


@pytest.mark.parametrize(
    ("tool", "arguments", "declared"),
    [
        ("Bash", {"timeout": 90_000}, timedelta(seconds=90)),
        ("Bash", {"timeout": 1.5}, timedelta(milliseconds=1.5)),
        ("Bash", {"timeout": 0}, timedelta()),
        ("Bash", {"timeout": 10**18}, LONGEST),
        ("Bash", {"timeout": -1}, None),
        ("Bash", {"timeout": float("inf")}, None),
        ("Bash", {"timeout": float("nan")}, None),
        ("Bash", {"timeout": "90000"}, None),
        ("Bash", {"timeout": True}, None),
        ("Bash", {}, None),
        ("Bash", None, None),
        ("Read", {"timeout": 90_000}, None),
    ],
)
def test_only_a_shell_declares_how_long_it_takes(tool: str, arguments: object, declared: timedelta | None) -> None:
    assert declared_timeout(tool, arguments) == declared


async def test_tools_that_run_at_once_end_one_by_one(seen: Seen) -> None:
    await seen.start("a")
    await seen.start("b")
    await seen.hooks.after_tool({"tool_use_id": "a"}, "a", None)
    running = [seen.hooks.running]
    await seen.hooks.after_tool({"tool_use_id": "b"}, None, None)
    running.append(seen.hooks.running)
    assert running == [True, False]
    assert seen.events == [
        ToolStarted("a", "Read", None),
        ToolStarted("b", "Read", None),
        ToolEnded("a"),
        ToolEnded("b"),
    ]


async def test_an_end_is_said_once(seen: Seen) -> None:
    await seen.start("a")
    await seen.hooks.after_tool({}, "a", None)
    await seen.hooks.after_tool({}, "a", None)
    seen.hooks.ended("a")
    seen.hooks.ended("never began")
    seen.hooks.all_ended()
    assert seen.events == [ToolStarted("a", "Read", None), ToolEnded("a")]


async def test_the_end_of_a_turn_is_the_end_of_its_tools(seen: Seen) -> None:
    await seen.start("a")
    await seen.start("b")
    seen.hooks.all_ended()
    assert seen.events[2:] == [ToolEnded("a"), ToolEnded("b")]


async def test_a_tool_that_is_denied_has_not_started(seen: Seen) -> None:
    answer = await seen.start("a", "Nope")
    assert answer == {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": "Nope is not available here. Do not.",
        }
    }
    assert seen.events == [Activity()]


@pytest.mark.parametrize("said", [{}, {"transcript_path": "/no/such/file"}, {"transcript_path": 7}])
async def test_a_transcript_that_cannot_be_read_keeps_nothing_from_going_on(
    seen: Seen, said: dict[str, object]
) -> None:
    assert await seen.hooks.before_compaction(said, None, None) == {}
    assert not seen.folder.exists()

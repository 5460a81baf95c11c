"""What is done when the command line is about to use a tool, has used it, stops, or shortens its memory.

A hook never fails a tool: what goes wrong in one is logged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import trio
from attrs import define, field
from claude_agent_sdk import HookMatcher
from claude_agent_sdk.types import HookCallback, HookContext, HookEvent, HookInput, SyncHookJSONOutput

from runner.logs import log
from runner.providers.base import Activity, Event, ToolEnded, ToolStarted
from runner.providers.claude.options import denial
from runner.providers.claude.transcripts import Kept, archive

SHELL = "Bash"
LONGEST = timedelta(days=1)
"""Of a declared timeout: what is beyond it is no number that anybody meant."""

Said: TypeAlias = HookInput | Mapping[str, Any]


@define(eq=False)
class Hooks:
    """The hooks of one query."""

    _emit: Callable[[Event], None]
    _denied: Mapping[str, str]
    _archive_to: Path
    _assistant: str
    _now: Callable[[], datetime]
    _running: dict[str, None] = field(factory=dict[str, None], init=False)
    """Tools that have started and not ended, by their use, in order."""
    _kept: Kept | None = field(default=None, init=False)

    @property
    def running(self) -> bool:
        """Does a tool run?"""
        return bool(self._running)

    def table(self) -> dict[HookEvent, list[HookMatcher]]:
        """What `ClaudeAgentOptions` wants as `hooks`."""
        hooks: dict[HookEvent, HookCallback] = {
            "PreToolUse": self.before_tool,
            "PostToolUse": self.after_tool,
            "PostToolUseFailure": self.after_tool,
            "PreCompact": self.before_compaction,
            "Stop": self.at_stop,
        }
        return {event: [HookMatcher(hooks=[hook])] for event, hook in hooks.items()}

    def ended(self, use: str) -> None:
        """That use of a tool is over, if it was not yet."""
        if use in self._running:
            del self._running[use]
            self._emit(ToolEnded(use))

    def all_ended(self) -> None:
        """The turn is over, and with it whatever it used: a tool that was denied or cut short has no other end."""
        for use in list(self._running):
            self.ended(use)

    async def before_tool(self, said: Said, use: str | None, _: HookContext | None) -> SyncHookJSONOutput:
        """Deny it, or note that it starts."""
        await trio.lowlevel.checkpoint()
        name = str(said.get("tool_name", "?"))
        why = denial(name, self._denied)
        if why is not None:
            self._emit(Activity())
            return {
                "hookSpecificOutput": {
                    "hookEventName": "PreToolUse",
                    "permissionDecision": "deny",
                    "permissionDecisionReason": why,
                }
            }
        key = _use(said, use)
        self._running[key] = None
        self._emit(ToolStarted(use=key, name=name, declared_timeout=declared_timeout(name, said.get("tool_input"))))
        return {}

    async def after_tool(self, said: Said, use: str | None, _: HookContext | None) -> SyncHookJSONOutput:
        """Note that it has ended, well or not."""
        await trio.lowlevel.checkpoint()
        self.ended(_use(said, use))
        return {}

    async def before_compaction(self, said: Said, _use: str | None, _: HookContext | None) -> SyncHookJSONOutput:
        """Keep what was said."""
        self._emit(Activity())
        try:
            await trio.to_thread.run_sync(self._archive, Path(str(said.get("transcript_path") or "?")))
        except OSError as exc:
            log("transcript_not_archived", error=exc)
        else:
            file = None if self._kept is None else self._kept.path.name
            log("transcript_archived", file=file, trigger=said.get("trigger"))
        return {}

    async def at_stop(self, _said: Said, _use: str | None, _: HookContext | None) -> SyncHookJSONOutput:
        """A sign of life."""
        await trio.lowlevel.checkpoint()
        self._emit(Activity())
        return {}

    def _archive(self, transcript: Path) -> None:
        self._kept = archive(transcript, self._archive_to, assistant=self._assistant, now=self._now(), last=self._kept)


def declared_timeout(tool: str, arguments: object) -> timedelta | None:
    """How long a shell says it may take; None for any other tool, and for what is no number of milliseconds."""
    found = arguments.get("timeout") if tool == SHELL and isinstance(arguments, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < float("inf"):
        return None
    return min(timedelta(milliseconds=min(found, 1e12)), LONGEST)


def _use(said: Said, use: str | None) -> str:
    return str(use or said.get("tool_use_id") or "?")

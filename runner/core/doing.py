"""What a runner says that it is doing, when it does several things at once. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from attrs import frozen

from runner.core.text import one_line
from runner.model import ContainerState
from schema.rows import Phase
from schema.seq import HIGHEST

MOST_NAME = 200


@frozen(kw_only=True)
class Tool:
    """A tool that runs."""

    name: str
    declared: timedelta | None = None
    """How long it said it may take."""
    since: datetime


def state_of(phase: Phase, now: datetime, tools: Collection[Tool] = ()) -> ContainerState:
    """The row of container_state. Of several tools it shows the one that may run the longest from now on.

    A tool that declares nothing is allowed no more than any silence, so one that does comes before it; among equals,
    the one that began last.
    """
    shown = max(tools, key=lambda tool: (_until(tool), tool.since), default=None)
    if shown is None:
        return ContainerState(phase=phase, updated_at=now)
    milliseconds = None if shown.declared is None else shown.declared // timedelta(milliseconds=1)
    return ContainerState(
        current_tool=one_line(shown.name, MOST_NAME) or "?",
        tool_declared_timeout_ms=None if milliseconds is None else min(max(milliseconds, 0), HIGHEST),
        tool_started_at=shown.since,
        phase=phase,
        updated_at=now,
    )


def _until(tool: Tool) -> float:
    """When its declared time is over, in seconds; no time that is stored can be as large as these may be."""
    return 0.0 if tool.declared is None else tool.since.timestamp() + tool.declared.total_seconds()

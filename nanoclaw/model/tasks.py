"""Tasks and their occurrences: what an agent is to do at a time, and what became of each time."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import frozen

from nanoclaw.model.ids import ChannelName, InboundId, SessionId, TaskId


class Misfire(Enum):
    """What becomes of occurrences whose time passed while nobody could take them up."""

    LATEST = "latest"  # the last of them runs, once
    ALL = "all"  # each runs, in order
    SKIP = "skip"  # none runs


class TaskState(Enum):
    """Where a task stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class TaskMaker(Enum):
    """Who made a task."""

    AGENT = "agent"
    OPERATOR = "operator"
    IMPORT = "import"


class Outcome(Enum):
    """What became of an occurrence."""

    RAN = "ran"
    LATE = "late"  # it ran, well after its time
    MISSED = "missed"  # nobody was there at its time, and its task's policy is not to make up for it
    SKIPPED = "skipped"  # it was not to run: its script said so, or the run before it was not over
    FAILED = "failed"


@frozen(kw_only=True)
class Task:
    """A row of tasks: something for one session's agent, once or again and again."""

    id: TaskId
    session_id: SessionId
    prompt: str
    script: str | None
    """What the runner runs first; it may say that the agent need not be asked."""
    channel: ChannelName | None
    platform_id: str | None
    thread_id: str | None
    timezone: str
    """IANA name: whose wall clock `cron` is about."""
    cron: str | None
    """None: once."""
    first_at: datetime
    misfire: Misfire
    state: TaskState
    reason: str | None
    """Why it is in that state, where that is not plain."""
    failures: int
    """How many of its last runs failed, in a row."""
    made_by: TaskMaker
    created_at: datetime
    changed_at: datetime


@frozen(kw_only=True)
class Occurrence:
    """A row of occurrences: one time of one task."""

    task_id: TaskId
    due_at: datetime
    inbound_id: InboundId | None = None
    queued_at: datetime | None = None
    """When its message was made."""
    outcome: Outcome | None = None
    reason: str | None = None
    decided_at: datetime | None = None

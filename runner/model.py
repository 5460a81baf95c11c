"""The runner's frozen values: what is read, what is answered, what is reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from pathlib import Path

from attrs import field, frozen
from attrs.validators import ge

from schema.payloads import InPayload
from schema.rows import AckStatus, MessageIn, Phase


@frozen(kw_only=True)
class Container:
    """container.json, as far as this runner uses it."""

    provider: str = "demo"
    assistant_name: str = "Nano"
    max_messages_per_prompt: int = field(default=10, validator=ge(1))
    timezone: str | None = None
    """An IANA name; None leaves it to inbound.db."""


@frozen(kw_only=True)
class Zone:
    """A time zone that is known here, and its name."""

    name: str
    rules: tzinfo


@frozen(kw_only=True)
class Incoming:
    """An inbound row and what it says."""

    row: MessageIn
    payload: InPayload
    script_data: str | None = None
    """JSON that a task's script has for the agent."""


@frozen(kw_only=True)
class StagedFile:
    """A file that is to be sent: a copy that nobody changes any more."""

    path: Path
    name: str


@frozen(kw_only=True)
class Reply:
    """Something to say."""

    destination: str | None
    """A name; None is "where the message I answer came from"."""
    in_reply_to: str | None
    text: str
    files: tuple[StagedFile, ...] = ()


@frozen(kw_only=True)
class Ask:
    """Something that the host is to do."""

    in_reply_to: str | None
    action: str
    arguments: str
    """JSON."""


@frozen(kw_only=True)
class Ack:
    """A row of processing_ack."""

    message_id: str
    status: AckStatus
    status_changed: datetime
    error: str | None = None


@frozen(kw_only=True)
class SavedState:
    """A row of session_state."""

    key: str
    value: str
    updated_at: datetime


@frozen(kw_only=True)
class ContainerState:
    """The row of container_state: what this runner is doing."""

    current_tool: str | None = None
    tool_declared_timeout_ms: int | None = None
    tool_started_at: datetime | None = None
    phase: Phase
    updated_at: datetime


def newest_trigger(batch: Sequence[Incoming]) -> str | None:
    """The id of the newest row of *batch* that asked for a turn: what its replies answer.

    None for a batch of context alone, which answers nothing.
    """
    asking = [incoming.row for incoming in batch if incoming.row.trigger]
    return max(asking, key=lambda row: row.seq).id if asking else None

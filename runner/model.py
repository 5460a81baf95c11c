"""The runner's frozen values: what is read, what is answered, what is reported."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from pathlib import Path

from attrs import field, frozen
from attrs.validators import ge

from schema.payloads import AskQuestion, Card, Edit, InPayload, Reaction
from schema.rows import AckStatus, MessageIn, Phase


@frozen(kw_only=True)
class McpServer:
    """A program in the sandbox that gives a model tools."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(factory=dict[str, str])
    instructions: str | None = None
    """How to use them; the agent's instructions have it already."""


@frozen(kw_only=True)
class Container:
    """container.json, as far as this runner uses it."""

    provider: str = "demo"
    model: str | None = None
    """The provider's name of its model; None leaves it to the provider, as with what follows."""
    effort: str | None = None
    base_url: str | None = None
    """Where the model answers. The way there is the gateway's; this says who it is."""
    group_name: str = "Nano"
    """The agent group's."""
    assistant_name: str = "Nano"
    """What the agent calls itself."""
    mcp_servers: Mapping[str, McpServer] = field(factory=dict[str, McpServer])
    """By name."""
    max_messages_per_prompt: int = field(default=10, validator=ge(1))
    compact_window: int | None = None
    """Tokens of a conversation after which the model shortens its memory of it."""
    timezone: str | None = None
    """An IANA name; None leaves it to inbound.db."""
    gateway: str | None = None
    """The socket that leads to the model, which the engine says and not the file; None: there is no way out."""


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
class Posting:
    """Something that people see and that is not said in plain words: an edit, a reaction, a card, a question."""

    destination: str | None
    """As of a reply. What changes a message goes to where that message is."""
    in_reply_to: str | None
    payload: Edit | Reaction | Card | AskQuestion


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

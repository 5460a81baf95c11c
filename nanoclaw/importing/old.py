"""A NanoClaw v2 home as it was found: the parts that can come over, and notes on those that could not be read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from attrs import frozen

from nanoclaw.model.entities import AgentGroup, MessagingGroup, Wiring
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, SessionId, UserId
from nanoclaw.model.rights import Member, Role, User
from nanoclaw.model.settings import ContainerSettings


@frozen
class LeftBehind:
    """Something of the old home that does not come over, and why."""

    what: str
    why: str


@frozen(kw_only=True)
class OldRole:
    """A privilege; it gets an id of its own here."""

    user_id: UserId
    role: Role
    agent_group_id: AgentGroupId | None
    granted_by: UserId | None
    granted_at: datetime


@frozen(kw_only=True)
class OldDestination:
    """A name and what it leads to: a chat or an agent group, by the type."""

    agent_group_id: AgentGroupId
    name: str
    target_type: str
    target_id: str
    created_at: datetime


@frozen(kw_only=True)
class OldDirectMessage:
    """Where a user can be written to."""

    user_id: UserId
    channel: ChannelName
    messaging_group_id: MessagingGroupId
    resolved_at: datetime


@frozen(kw_only=True)
class OldTask:
    """Something that was to happen, once or again and again."""

    id: str
    made_at: datetime
    process_after: datetime | None
    recurrence: str | None
    channel: ChannelName | None
    platform_id: str | None
    thread_id: str | None
    prompt: str
    script: str | None


@frozen(kw_only=True)
class OldSession:
    """A conversation: what its runner wanted to be told again, and what was still to happen."""

    id: SessionId
    agent_group_id: AgentGroupId
    messaging_group_id: MessagingGroupId | None
    thread_id: str | None
    created_at: datetime
    last_active: datetime
    continuations: dict[str, str]
    """By the key that a runner of today asks for: `continuation:<provider>`."""
    tasks: tuple[OldTask, ...]
    waiting: int
    """Messages that nobody has answered."""
    history: int
    """All other messages, in and out."""


@frozen(kw_only=True)
class OldHome:
    """All of it."""

    folder: Path
    agent_groups: tuple[AgentGroup, ...]
    messaging_groups: tuple[MessagingGroup, ...]
    wirings: tuple[Wiring, ...]
    users: tuple[User, ...]
    roles: tuple[OldRole, ...]
    members: tuple[Member, ...]
    destinations: tuple[OldDestination, ...]
    direct_messages: tuple[OldDirectMessage, ...]
    settings: tuple[ContainerSettings, ...]
    sessions: tuple[OldSession, ...]
    left: tuple[LeftBehind, ...]
    """What could not be read, and what has no place here."""

"""Who there is: agent groups, messaging groups, the wirings between them, and their sessions."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, SessionId, WiringId


@frozen(kw_only=True)
class AgentGroup:
    """An agent: a folder of its own, and all its sessions."""

    id: AgentGroupId
    name: str
    folder: str
    created_at: datetime


@frozen(kw_only=True)
class MessagingGroup:
    """One chat on one channel."""

    id: MessagingGroupId
    channel: ChannelName
    platform_id: str
    name: str
    is_group: bool
    created_at: datetime


@frozen(kw_only=True)
class Wiring:
    """An agent group hears a messaging group."""

    id: WiringId
    messaging_group_id: MessagingGroupId
    agent_group_id: AgentGroupId
    priority: int
    created_at: datetime


@frozen(kw_only=True)
class Session:
    """One agent group's conversation in one messaging group."""

    id: SessionId
    agent_group_id: AgentGroupId
    messaging_group_id: MessagingGroupId
    provider_state: str
    """JSON: what the runners of earlier epochs saved, as the host accepted it."""
    created_at: datetime


@frozen(kw_only=True)
class SessionPlace:
    """A session with the names that its folder, its link and its people need."""

    session: Session
    agent_group: AgentGroup
    messaging_group: MessagingGroup

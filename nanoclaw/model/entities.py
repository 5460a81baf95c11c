"""Who there is: agent groups, messaging groups, the wirings between them, and their sessions."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import frozen

from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, SessionId, WiringId
from nanoclaw.model.settings import ContainerSettings


@frozen(kw_only=True)
class AgentGroup:
    """An agent: a folder of its own, and all its sessions."""

    id: AgentGroupId
    name: str
    folder: str
    created_at: datetime
    shown: int = 0
    """The tick of the last change to what its running sessions may know besides messages."""


class UnknownSenderPolicy(Enum):
    """What becomes of somebody in a chat who has no right to speak to an agent there."""

    STRICT = "strict"  # refused
    REQUEST_APPROVAL = "request_approval"  # refused, and a person is asked
    PUBLIC = "public"  # heard


class AgentLabels(Enum):
    """When does each message of an agent in a chat begin with its name, where its platform does not show who speaks?"""

    AUTO = "auto"  # if another agent may write there as well
    ALWAYS = "always"
    NEVER = "never"


@frozen(kw_only=True)
class MessagingGroup:
    """One chat on one channel."""

    id: MessagingGroupId
    channel: ChannelName
    platform_id: str
    name: str
    is_group: bool
    created_at: datetime
    unknown_sender_policy: UnknownSenderPolicy = UnknownSenderPolicy.STRICT
    denied_at: datetime | None = None
    """When a person decided that no agent shall hear this chat."""
    agent_labels: AgentLabels = AgentLabels.AUTO


class EngageMode(Enum):
    """When does an agent take up what is said?"""

    PATTERN = "pattern"  # whenever the text matches
    MENTION = "mention"  # when the platform says that it was addressed
    MENTION_STICKY = "mention-sticky"  # the same, and then everything in that thread


class SenderScope(Enum):
    """Whom does an agent answer in this chat, besides what the chat itself allows?"""

    ALL = "all"
    KNOWN = "known"  # those with a role or a membership


class IgnoredMessagePolicy(Enum):
    """What becomes of a message that an agent does not take up."""

    DROP = "drop"
    ACCUMULATE = "accumulate"  # it is kept as context for the next one that is


class SessionMode(Enum):
    """How a chat is divided into conversations."""

    SHARED = "shared"  # one for the chat
    PER_THREAD = "per-thread"
    AGENT_SHARED = "agent-shared"  # one for all chats of the agent that say so


@frozen(kw_only=True)
class Wiring:
    """An agent group hears a messaging group, and how."""

    id: WiringId
    messaging_group_id: MessagingGroupId
    agent_group_id: AgentGroupId
    engage_mode: EngageMode
    engage_pattern: str | None
    """RE2, searched in the text; `.` is always. Only, and always, with `EngageMode.PATTERN`."""
    sender_scope: SenderScope
    ignored_message_policy: IgnoredMessagePolicy
    session_mode: SessionMode
    priority: int
    """Only orders the fan-out, the highest first: every wiring decides for itself."""
    created_at: datetime


@frozen(kw_only=True)
class SessionKey:
    """What makes a conversation one: who hears it, and where. See `core.sessions`."""

    agent_group_id: AgentGroupId
    messaging_group_id: MessagingGroupId | None
    """None: the one conversation that the agent's agent-shared chats have together."""
    thread_id: str | None
    """None: the chat itself."""


@frozen(kw_only=True)
class Session:
    """One agent group's conversation in one place."""

    id: SessionId
    agent_group_id: AgentGroupId
    messaging_group_id: MessagingGroupId | None
    thread_id: str | None
    provider_state: str
    """JSON: what the runners of earlier epochs saved, as the host accepted it."""
    context_seq: int
    """The number of the last row of its chat's own session that was copied into this one, a thread's."""
    created_at: datetime


@frozen(kw_only=True)
class SessionPlace:
    """A session with the names that its folder, its link and its people need."""

    session: Session
    agent_group: AgentGroup
    messaging_group: MessagingGroup | None
    """None for the conversation of several chats."""
    settings: ContainerSettings | None = None
    """The agent group's own; None: as the home says."""

"""What people are asked to allow, and the cards that ask them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import frozen

from nanoclaw.model.ids import (
    AgentGroupId,
    ApprovalId,
    CardId,
    ChannelName,
    EventId,
    MessagingGroupId,
    OutboundId,
    SessionId,
    UserId,
)
from nanoclaw.model.messages import Address


class ApprovalKind(Enum):
    """What is asked for."""

    CHAT = "chat"  # that an agent hears a chat
    SENDER = "sender"  # that somebody may speak to an agent
    CREDENTIAL = "credential"  # that OneCLI lets a request of an agent's go on
    ADMIN = "admin"  # that an admin command is done, which an agent gives
    PACKAGES = "packages"  # that an agent group's image has more packages
    MCP_SERVER = "mcp-server"  # that a program gives an agent tools
    SECRET = "secret"  # noqa: S105 - that a request of an agent's goes on with a secret of the host's
    EGRESS = "egress"  # that an agent's sandboxes reach a host that was refused


class ApprovalState(Enum):
    """Where a request stands."""

    PENDING = "pending"
    EXECUTING = "executing"  # somebody has approved; it is done now, or as soon as a host runs
    DONE = "done"
    REJECTED = "rejected"
    EXPIRED = "expired"  # nobody decided in time
    FAILED = "failed"  # it was approved, and could not be done


class Needs(Enum):
    """Whose decision it takes."""

    ADMIN = "admin"  # of the agent group that it is about, or of all
    GLOBAL_ADMIN = "global admin"  # of all agent groups, or an owner


@frozen
class Shown:
    """Everything that would be done, as people read it. What does not fit on a card is not asked for."""

    title: str
    lines: tuple[str, ...]
    """Each made of our own words and of fields by `core.approvals.field`."""


@frozen(kw_only=True)
class Approval:
    """One request, and what became of it."""

    id: ApprovalId
    kind: ApprovalKind
    subject: str
    """What it is about: while one waits, there is no second."""
    messaging_group_id: MessagingGroupId | None = None
    agent_group_id: AgentGroupId | None = None
    """Whose admins may decide, if an admin may."""
    session_id: SessionId | None = None
    """Whose agent asks, and is told what came of it; None: no agent does."""
    payload: str
    """JSON, keys sorted: exactly what would be done."""
    digest: str
    """SHA-256 of the payload."""
    title: str = ""
    lines: str = "[]"
    """JSON: what people are shown."""
    options: str = "[]"
    """JSON: what they can choose from."""
    needs: Needs = Needs.ADMIN
    state: ApprovalState = ApprovalState.PENDING
    requested_at: datetime
    expires_at: datetime | None = None
    answer: str | None = None
    """The value of the option that was chosen."""
    answered_by: UserId | None = None
    answered_at: datetime | None = None
    answered_in: EventId | None = None
    """The event by which it was; None: by the command line, or by time."""
    result: str | None = None
    ended_at: datetime | None = None


class CardState(Enum):
    """Where a card stands."""

    OPEN = "open"
    OVER = "over"  # it says what was decided
    LOST = "lost"  # it did not arrive


@frozen(kw_only=True)
class Card:
    """An approval as it was sent to one person."""

    id: CardId
    approval_id: ApprovalId
    ledger_id: OutboundId
    approver: UserId
    channel: ChannelName
    platform_id: str
    code: str
    """What has to be typed with the option where there is nothing to press."""
    state: CardState
    sent_at: datetime

    @property
    def place(self) -> Address:
        """Where it was sent."""
        return Address(channel=self.channel, platform_id=self.platform_id)

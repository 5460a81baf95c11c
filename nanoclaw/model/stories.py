"""The story of one message: everything that the truth, and a running host, know of its way through the house."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from nanoclaw.model.ids import AgentGroupId, ChannelName, EventId, MessagingGroupId, OutboundId, SessionId, UserId
from nanoclaw.model.messages import Drop, Epoch, InboundRow, LedgerRow
from nanoclaw.model.overview import Parking


@frozen(kw_only=True)
class Arrival:
    """How it came from its platform."""

    event: EventId
    channel: ChannelName
    platform_id: str
    platform_message_id: str
    thread_id: str | None
    sender_id: UserId | None
    mention: bool
    received_at: datetime


@frozen(kw_only=True)
class Reply:
    """A message out, and what stands before it."""

    row: LedgerRow
    behind: OutboundId | None
    """The message that is undecided before it on its lane."""


@frozen(kw_only=True)
class Tokens:
    """What models took while it was worked on."""

    results: int
    read: int
    written: int
    cost_usd: float | None


@frozen(kw_only=True)
class Turn:
    """What it became for one agent."""

    agent: AgentGroupId
    agent_name: str
    row: InboundRow
    parking: Parking | None
    """Who has set its session aside; None: nobody has."""
    last_epoch: Epoch | None
    """The latest life of its session's sandbox."""
    ahead: int
    """Messages before it in its session that are not settled."""
    tokens: Tokens | None
    replies: tuple[Reply, ...]
    refused: tuple[Drop, ...]
    """What its agent said meanwhile that was not passed on."""


@frozen(kw_only=True)
class Live:
    """What a running host says now."""

    doing: Mapping[SessionId, str]
    """Of sessions with an actor: what that is doing."""
    parked: Mapping[SessionId, str]
    """Of sessions whose actor kept failing: how it failed last."""
    progress: Mapping[SessionId, str]
    """Of sessions with a sandbox: what is seen of its work."""
    stuck: frozenset[SessionId]
    channels: frozenset[ChannelName]
    way_out: str = ""
    """Why no agent reaches its model; empty: they do."""


@frozen(kw_only=True)
class Story:
    """Of one message; of what came from no platform, there is no arrival."""

    arrival: Arrival | None
    chat: MessagingGroupId | None
    chat_name: str | None
    drops: tuple[Drop, ...]
    """Who did not hear it, and why."""
    turns: tuple[Turn, ...]
    agent_names: Mapping[AgentGroupId, str]
    live: Live | None
    """None: no host runs."""
    now: datetime

"""A type for each kind of id, so that none is taken for another."""

from __future__ import annotations

from typing import NewType

AgentGroupId = NewType("AgentGroupId", str)
MessagingGroupId = NewType("MessagingGroupId", str)
WiringId = NewType("WiringId", str)
SessionId = NewType("SessionId", str)
EventId = NewType("EventId", str)
InboundId = NewType("InboundId", str)
OutboundId = NewType("OutboundId", str)
"""The host's id of a ledger row."""
RunnerMessageId = NewType("RunnerMessageId", str)
"""The id a runner gave its row: unique within its epoch at best, and never believed."""
UserId = NewType("UserId", str)
"""`<channel>:<immutable platform id>`, made by an adapter from what its platform authenticated."""
UNVERIFIED = "unverified:"
"""What an adapter puts behind the `<channel>:` of somebody whom nothing vouches for: whoever says so can be them.
Such a user gets no role."""
RoleId = NewType("RoleId", str)
TaskId = NewType("TaskId", str)
ApprovalId = NewType("ApprovalId", str)
CardId = NewType("CardId", str)
"""A card that shows an approval; 128 bits of it are luck."""
QuestionId = NewType("QuestionId", str)
"""A runner's name for a question, used once in a home."""
ChannelName = NewType("ChannelName", str)
"""A configured channel, such as `terminal` or `telegram-home`."""
EpochNumber = NewType("EpochNumber", int)
SpoolId = NewType("SpoolId", str)
"""The name of a file in the host's spool, which the host made up."""

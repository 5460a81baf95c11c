"""What travels: events from platforms, inbound rows, the ledger of what goes out."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TypeAlias

from attrs import Attribute, field, frozen
from attrs.validators import max_len

from nanoclaw.model.files import LedgerFile, NewAttachment
from nanoclaw.model.ids import (
    AgentGroupId,
    ChannelName,
    EpochNumber,
    EventId,
    InboundId,
    MessagingGroupId,
    OutboundId,
    QuestionId,
    RunnerMessageId,
    SessionId,
    UserId,
)
from schema.files import MOST_FILES
from schema.rows import AGENT_CHANNEL, InKind, InStatus

AGENTS = ChannelName(AGENT_CHANNEL)
"""No channel: the places on it are agent groups."""


@frozen(kw_only=True)
class Address:
    """A place on a platform, or an agent group."""

    channel: ChannelName
    platform_id: str
    thread_id: str | None = None

    @property
    def is_agent(self) -> bool:
        """Is it an agent group, and no place on a platform?"""
        return self.channel == AGENTS

    def is_in_chat_of(self, other: Address) -> bool:
        """Are both in one chat, whatever the thread?"""
        return (self.channel, self.platform_id) == (other.channel, other.platform_id)


@frozen(kw_only=True)
class Choice:
    """Somebody means their message as the answer to a question: they pressed an option, or typed one."""

    question: QuestionId
    said: str
    """What the button says, which is a token of the host's; of what was typed, an option's number, label or value."""
    typed: bool = False
    """Did they type it, to a program that knows which question they were shown?"""


def _is_of_its_channel(told: InboundEvent | Revision, _: Attribute[UserId], sender: UserId) -> None:
    """Rights are given to user ids, so no channel may speak of another one's users, nor of nobody."""
    prefix = f"{told.channel}:"
    if not sender.startswith(prefix) or sender == prefix:
        raise ValueError(f"{sender!r} is no user id of the channel {told.channel}")


@frozen(kw_only=True)
class InboundEvent:
    """Something a person said, as an adapter understood it."""

    channel: ChannelName
    platform_message_id: str
    """Unique on its channel; the same id again is the same message again."""
    platform_id: str
    thread_id: str | None = None
    """Where an answer belongs, on a channel with threads."""
    starts_thread: bool = False
    """Does it stand in the chat itself, and its thread holds nothing but it so far?"""
    mention: bool
    """Does the platform itself say that we are addressed? In a conversation of two, we always are."""
    is_group: bool
    chat_name: str | None = None
    """What the platform calls the chat, if it said so."""
    sender_id: UserId = field(validator=_is_of_its_channel)
    """`<channel>:<what the platform calls them for good>`, from what it authenticated."""
    sender: str
    """What they call themselves: shown to agents, and believed by nobody."""
    text: str
    attachments: tuple[NewAttachment, ...] = field(default=(), validator=max_len(MOST_FILES))
    """The files that came with it, in its order. Whoever takes the event takes them over, to keep or to remove."""
    choice: Choice | None = None
    """Is it meant as the answer to a question? None: the platform does not know, and it may be one all the same."""


class RevisionKind(Enum):
    """What may happen to a message after it was sent."""

    EDIT = "edit"
    DELETION = "deletion"


@frozen(kw_only=True)
class Revision:
    """A message was changed, or taken back, on its platform."""

    channel: ChannelName
    platform_message_id: str
    """The message's."""
    revision: str
    """The platform's own name of this change, unique for its message: the time of the edit, or a number."""
    kind: RevisionKind
    sender_id: UserId = field(validator=_is_of_its_channel)
    """Who did it."""
    sender: str
    text: str = ""
    """All of the text as it is now; empty for a deletion."""
    claimed: bool = False
    """May anybody have said so of anybody's message? Then it counts only if its author did."""


@frozen(kw_only=True)
class Rejection:
    """A platform that had taken a message of ours says later that it did not arrive."""

    channel: ChannelName
    platform_message_id: str
    """The message's, or its part's, as `Channel.deliver` returned it."""
    platform_id: str
    """The conversation that it went to."""
    why: str
    """For people and agents. Whoever says it may be anybody: no words of theirs."""


Told: TypeAlias = InboundEvent | Revision | Rejection
"""What a channel tells."""


@frozen(kw_only=True)
class InboundRow:
    """A message for one session, and what became of it."""

    id: InboundId
    session_id: SessionId
    event_id: EventId | None
    seq: int
    kind: InKind
    timestamp: datetime
    status: InStatus
    process_after: datetime | None
    tries: int
    trigger: bool
    channel: ChannelName | None
    platform_id: str | None
    thread_id: str | None
    content: str
    claimed_epoch: EpochNumber | None
    claimed_at: datetime | None
    settled_at: datetime | None
    error: str | None
    touched: int
    recurrence: str | None
    """When it comes again, in cron's words. Kept and shown; nothing comes again by itself yet."""
    series_id: str | None
    from_epoch: EpochNumber | None
    """The first epoch that may see it; None: any."""
    source_session_id: SessionId | None = None
    """The session of another agent that it came out of."""
    hops: int = 0
    """How many messages from agent to agent led to it, with it; 0: it came from elsewhere."""
    chain: str | None = None
    """What set those off: the id of the first message of the chain."""


class LedgerState(Enum):
    """Where an outbound message stands."""

    PENDING = "pending"
    SENDING = "sending"  # handed to the platform, or about to be: a crash here leaves doubt
    DELIVERED = "delivered"
    UNKNOWN = "unknown"  # it may have arrived; its channel's policy says not to send it twice
    DEAD = "dead"
    REJECTED = "rejected"  # its platform had taken it, and said later that it did not arrive


@frozen(kw_only=True)
class LedgerRow:
    """A message to a platform, and what became of it. Never deleted while undecided."""

    position: int
    id: OutboundId
    session_id: SessionId | None
    """None: the host itself says it to a chat."""
    epoch: EpochNumber | None
    runner_id: RunnerMessageId | None
    digest: str
    seq: int | None
    in_reply_to: str | None
    """The id of the inbound row that this answers; of the event itself, where the host answers for all."""
    channel: ChannelName
    platform_id: str
    thread_id: str | None
    kind: str
    content: str
    state: LedgerState
    attempts: int
    not_before: datetime | None
    platform_message_id: str | None
    error: str | None
    created_at: datetime
    settled_at: datetime | None
    touched: int
    retries: int
    """How often a person had it tried again after it was given up."""
    about: str | None
    """The id of the ledger row that this one changes; only of the host's own edits."""
    parts: int | None = None
    """Into how many parts it was cut; None: nobody has decided yet, or its channel takes all messages whole."""
    doubt: bool = False
    """May what is next of it have arrived already?"""


@frozen(kw_only=True)
class NewLedgerRow:
    """What absorbing a runner's row, or the host itself, puts into the ledger."""

    id: OutboundId
    epoch: EpochNumber | None
    runner_id: RunnerMessageId | None
    digest: str
    seq: int | None
    """None: the host's own notice, numbered by the store."""
    in_reply_to: str | None
    to: Address
    kind: str
    content: str
    not_before: datetime | None = None
    files: tuple[LedgerFile, ...] = ()
    """They are in the spool already."""
    about: OutboundId | None = None
    """Of an edit of the host's own: what it changes."""


@frozen(kw_only=True)
class Drop:
    """Something that was not passed on, and why. Recording it twice records it once."""

    key: str
    kind: str
    event_id: EventId | None = None
    session_id: SessionId | None = None
    epoch: EpochNumber | None = None
    reference: str
    reason: str
    detail: str = ""
    digest: str = ""
    dropped_at: datetime
    agent_group_id: AgentGroupId | None = None
    """Who was kept from hearing it."""
    messaging_group_id: MessagingGroupId | None = None
    sender_id: UserId | None = None


class EpochEnding(Enum):
    """How one life of a sandbox ended."""

    EXITED = "exited"  # by itself
    STOPPED = "stopped"  # asked to by the host
    KILLED = "killed"  # because it was in the way
    HOST_DIED = "host-died"  # found open at start-up
    QUARANTINED = "quarantined"  # its outbox broke the contract
    NOT_STARTED = "not-started"  # the engine could not start it


@frozen(kw_only=True)
class Epoch:
    """One life of one session's sandbox."""

    session_id: SessionId
    number: EpochNumber
    engine: str
    started_at: datetime
    cursor: int
    ended_at: datetime | None
    ending: EpochEnding | None
    detail: str | None
    told_to_end: str | None
    """Why somebody wants it to end, whatever its agent does."""

"""What is known of a session, a lane and a channel at one moment: what `core/holds.py` judges and overviews show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from nanoclaw.model.ids import ApprovalId, ChannelName, EpochNumber, InboundId, OutboundId, QuestionId, SessionId
from nanoclaw.model.messages import EpochEnding, LedgerState
from schema.rows import InKind


@frozen(kw_only=True)
class LaneRecord:
    """What waits to be sent to one chat: its first message stands before all others."""

    channel: ChannelName
    platform_id: str
    waiting: int
    since: datetime
    """When the first was said."""
    head: OutboundId
    session_id: SessionId | None
    """Whose message the first is; None: the host's own."""
    state: LedgerState
    attempts: int
    not_before: datetime | None
    error: str | None


@frozen(kw_only=True)
class ClaimRecord:
    """A message that a sandbox is at."""

    session_id: SessionId
    id: InboundId
    kind: InKind
    epoch: EpochNumber
    claimed_at: datetime
    tries: int


@frozen(kw_only=True)
class DeadRecord:
    """A message of a session's that was given up, in or out, and that nobody has dealt with."""

    session_id: SessionId
    id: str
    state: str
    """`failed`, of a message in; `dead` or `unknown`, of one out."""
    error: str | None
    at: datetime


@frozen(kw_only=True)
class Parking:
    """That somebody has set a session aside: nothing of it is worked on until somebody says otherwise."""

    session_id: SessionId
    who: str
    """What they are called."""
    because: str
    parked_at: datetime


@frozen(kw_only=True)
class SessionRecord:
    """What the truth says of one session, as far as anything of it is open."""

    id: SessionId
    agent: str
    chat: str | None
    """None: it belongs to its agent, and to no chat."""
    due: int
    """Messages that may start a turn now and that nobody has claimed."""
    since: datetime | None
    """When the oldest of those came, or is due."""
    next_at: datetime | None
    """When the next of the others is due."""
    tries: int
    """How many sandboxes have ended while at that one."""
    paused: int
    """Messages that are not to be taken up yet."""
    claims: tuple[ClaimRecord, ...]
    """The oldest first."""
    epoch: EpochNumber | None
    """The life of its sandbox that is open."""
    epoch_at: datetime | None
    last_ending: EpochEnding | None
    """How the life before that ended."""
    last_detail: str | None
    undelivered: int
    reply: OutboundId | None
    """The first of its own messages that is not decided."""
    lane: LaneRecord | None
    """The lane on which that waits."""
    dead: DeadRecord | None
    """The latest there is."""
    question: QuestionId | None
    """The oldest that an agent of it has asked and nobody has answered."""
    question_at: datetime | None
    approval: ApprovalId | None
    """The oldest that it has asked for and nobody has decided about."""
    approval_title: str | None
    parking: Parking | None
    """Who has set it aside; None: nobody has."""
    used_up: str | None
    """Why its agent's model is not asked any more: the budget is used up."""


@frozen(kw_only=True)
class ApprovalRecord:
    """Something that waits for a person."""

    id: ApprovalId
    kind: str
    title: str
    session_id: SessionId | None
    requested_at: datetime
    expires_at: datetime | None


@frozen(kw_only=True)
class Record:
    """All that is open, at one moment."""

    sessions: tuple[SessionRecord, ...]
    lanes: tuple[LaneRecord, ...]
    approvals: tuple[ApprovalRecord, ...]
    resting: int
    """Sessions of which nothing is open."""
    not_shown: Mapping[str, int]
    """How many sessions, lanes, claims and approvals are open besides; only those of which there are any."""


@frozen(kw_only=True)
class ActorView:
    """What is seen of a session's actor. Times are seconds."""

    state: str
    age: float
    """In this state."""
    doing: str
    restarts: int
    last_error: str | None
    left: float | None = None
    """Until its parking ends; None: it is not parked."""


@frozen(kw_only=True)
class ChannelView:
    """What is seen of a channel."""

    name: ChannelName
    kind: str
    state: str
    """`running`, `parked`, `stopped`, `off` or `broken`."""
    why: str = ""
    """What is wrong just now; empty: nothing is known to be."""
    heard: float | None = None
    """Seconds since it was last known to hear its platform; None: it does not say."""

"""What agents ask people to choose."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import frozen

from nanoclaw.model.ids import ChannelName, OutboundId, QuestionId, SessionId, UserId
from nanoclaw.model.messages import Address


class QuestionState(Enum):
    """Where a question stands."""

    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"  # nobody answered in time
    UNDELIVERED = "undelivered"  # it was never shown


@frozen(kw_only=True)
class Question:
    """A question, and what became of it."""

    id: QuestionId
    session_id: SessionId
    ledger_id: OutboundId
    asked_of: UserId | None
    """Who triggered the turn that asks, and so may answer; None: nobody did, so only admins may."""
    channel: ChannelName
    platform_id: str
    thread_id: str | None
    title: str
    question: str
    options: str
    """JSON; `store.questions` reads and writes it."""
    state: QuestionState
    asked_at: datetime
    expires_at: datetime | None
    """None: it waits for as long as it takes."""
    ended_at: datetime | None
    answered_by: UserId | None
    answer: str | None
    """The value of the option."""
    responders: str | None = None
    """JSON, as `store.questions` reads it: who may answer instead of `asked_of`; None: nobody was named."""

    @property
    def place(self) -> Address:
        """Where it is asked."""
        return Address(channel=self.channel, platform_id=self.platform_id, thread_id=self.thread_id)

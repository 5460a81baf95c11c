"""What an agent is shown: messages, tasks, calls, answers, and what the system says."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from schema.payloads import Attachment, Quote


@frozen(kw_only=True)
class Message:
    """Somebody said something."""

    id: int
    source: str | None
    """Where it came from: the destination's name, so the agent sees one namespace in both directions."""
    sender: str
    time: datetime
    text: str
    context: bool = False
    """It was not said to the agent: it comes along with what was, and asks for no answer."""
    quote: Quote | None = None
    attachments: tuple[Attachment, ...] = ()


@frozen(kw_only=True)
class TaskDue:
    """Something is due."""

    id: int
    source: str | None
    time: datetime
    prompt: str
    data: str | None = None
    """JSON that its script found out."""


@frozen(kw_only=True)
class WebhookCall:
    """Another program called."""

    id: int
    source: str | None
    time: datetime
    caller: str
    event: str
    payload: str


@frozen(kw_only=True)
class SystemResponse:
    """The system tells the agent something about itself. Without an id it comes from the runner, not from the host."""

    id: int | None = None
    time: datetime
    action: str
    text: str


@frozen(kw_only=True)
class QuestionAnswered:
    """Somebody has answered a question of the agent's, which does not wait for it any more."""

    id: int
    source: str | None
    sender: str
    time: datetime
    question: str
    value: str
    label: str


Item: TypeAlias = Message | TaskDue | WebhookCall | SystemResponse | QuestionAnswered


@frozen(kw_only=True)
class Prompt:
    """One thing to say to a model. Times compare as instants; their zone is how they are shown."""

    timezone: str
    now: datetime
    items: tuple[Item, ...]

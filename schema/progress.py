"""The rows by which a runner says how far it is and what that took, beside its messages: drafts and usage."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

MOST_USAGE = 100
"""The newest rows of usage are all that a runner keeps, and all that a host reads: none is away for so many results."""


@frozen(kw_only=True)
class Draft:
    """A row of drafts: a reply that is being written."""

    reply: str
    destination: str | None
    in_reply_to: str | None
    text: str
    tool: str | None
    updated_at: datetime


@frozen(kw_only=True)
class Usage:
    """A row of usage: what one result took. Tokens; of those *read*, *cached* came from the model's cache."""

    seq: int
    at: datetime
    model: str | None
    read: int
    written: int
    cached: int = 0
    cost_usd: float | None = None

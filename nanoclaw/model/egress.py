"""What is allowed to the sandboxes of an agent group besides their model, and what came of what they asked for."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import field, frozen
from attrs.validators import ge

from nanoclaw.model.ids import AgentGroupId, SessionId
from nanoclaw.model.sandbox import MIB


class Outcome(Enum):
    """What became of a request."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    FAILED = "failed"  # it was allowed, and nobody was there or it went wrong


@frozen(kw_only=True)
class EgressRule:
    """A row of egress_rules."""

    agent_group_id: AgentGroupId
    said: str
    """`host:port` in the form in which names are read, or the word for a preset."""
    methods: str = ""
    """With commas; empty: all."""
    path: str = ""
    near: bool = False
    added_at: datetime
    until: datetime | None = None
    """When it is over; None: never."""


@frozen(kw_only=True)
class EgressEntry:
    """A request of a sandbox, once it is over."""

    at: datetime
    agent_group_id: AgentGroupId
    session_id: SessionId
    method: str
    """`CONNECT`: a tunnel."""
    place: str
    outcome: Outcome
    why: str
    """Which rule allowed it, or why it did not get there."""
    sent: int = 0
    """Bytes, to the place."""
    received: int = 0
    """Bytes, from it."""
    milliseconds: int = 0


@frozen(kw_only=True)
class EgressLimits:
    """How much one sandbox may ask for."""

    connections: int = field(default=32, validator=ge(1))
    """At a time; further ones wait."""
    requests: int = field(default=600, validator=ge(1))
    """In any minute."""
    total_bytes: int = field(default=4096 * MIB, validator=ge(1))
    """In both directions together, for as long as the sandbox lives."""

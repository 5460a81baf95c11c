"""A secret of the host's that goes with what an agent asks of one host, and what an agent asks by it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TypeAlias

from attrs import frozen

from nanoclaw.model.ids import AgentGroupId, ApprovalId

GATEWAY = "gw"
"""The host by which agents ask for it: `http://gw/NAME/…`."""


class Asks(Enum):
    """When people are asked whether a request may go on with the secret."""

    ALWAYS = "always"
    FIRST = "first"
    NEVER = "never"


@frozen(kw_only=True)
class Binding:
    """A row of secret_bindings."""

    agent_group_id: AgentGroupId
    name: str
    secret: str
    """Its name. What it says is in a file, read when a request goes on."""
    place: str
    """`host:port`, asked by HTTPS."""
    header: str
    template: str
    """What stands in the header, with `{}` where the secret goes."""
    asks: Asks
    near: bool = False
    """May the host be this machine or one of its own network?"""
    added_at: datetime


@frozen(kw_only=True)
class Pass:
    """A row of secret_passes: what people have let through."""

    approval_id: ApprovalId
    agent_group_id: AgentGroupId
    name: str
    digest: str
    """Of the one request that it is good for; empty: of all of that binding."""
    until: datetime | None


@frozen(kw_only=True)
class BoundRequest:
    """What an agent asks by a binding."""

    name: str
    method: str
    path: str
    """With the query."""
    size: int | None = None
    """Bytes of its body; None: nobody has read it yet."""
    digest: str = ""
    """SHA-256 of it, as hex; empty: as above."""


@frozen
class Go:
    """It goes on with the secret."""

    binding: Binding
    used: Pass | None = None
    """What it goes on by, which is used up, unless it is told that the request has not gone out."""


@frozen
class NeedsBody:
    """Nobody can say before its body is known."""


@frozen
class Stay:
    """It goes nowhere."""

    status: int
    why: str
    """A sentence for the agent and the log."""


BoundVerdict: TypeAlias = Go | NeedsBody | Stay

"""What is known and what is written down of a request that a sandbox has put to the gateway as its proxy."""

from __future__ import annotations

from attrs import frozen

from nanoclaw.model.egress import Outcome


@frozen(kw_only=True)
class Told:
    """What is written down of a request."""

    method: str
    place: str
    """As it was asked for; `?`: nothing that could be read."""
    outcome: Outcome
    why: str
    sent: int = 0
    received: int = 0
    seconds: float = 0.0
    can_ask: bool = False
    """Was it refused, and would a rule of the operator's help?"""


@frozen(kw_only=True)
class Begun:
    """What is known of a request that is not over."""

    method: str
    place: str

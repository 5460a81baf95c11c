"""May people be asked about something that an agent tries again and again? In the caller's transaction.

Not while they are asked about the same, not for a day after somebody has said no, and only so often within an hour.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import frozen

from nanoclaw.model.approvals import ApprovalKind
from nanoclaw.model.ids import AgentGroupId, ApprovalId
from nanoclaw.store import approvals
from schema.sqlite import Connection, integer
from schema.times import write_time

HOUR = timedelta(hours=1)


@frozen
class MayAsk:
    """Nothing is in the way."""


@frozen
class IsAsked:
    """People are asked about it at this moment."""

    known: ApprovalId


@frozen
class WasDenied:
    """Somebody has said no a short while ago."""


@frozen
class TooOften:
    """People were asked too often of late, for that agent group."""


Standing = MayAsk | IsAsked | WasDenied | TooOften


def standing(
    conn: Connection, kind: ApprovalKind, subject: str, *, agent: AgentGroupId, most_an_hour: int, now: datetime
) -> Standing:
    """What is in the way of asking about *subject*, for *agent*, at most *most_an_hour* times within an hour."""
    if (known := approvals.open_one(conn, kind, subject)) is not None:
        return IsAsked(known.id)
    if approvals.was_denied(conn, kind, subject, now=now):
        return WasDenied()
    asked = integer(
        conn,
        "SELECT count(*) FROM approvals WHERE kind = ? AND agent_group_id = ? AND requested_at > ?",
        (kind.value, agent, write_time(now - HOUR)),
    )
    return TooOften() if asked >= most_an_hour else MayAsk()

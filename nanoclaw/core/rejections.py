"""A platform that had taken a message of ours says later that it did not arrive: what follows. Pure."""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from nanoclaw.model.messages import LedgerRow, LedgerState, Rejection

UNKNOWN = "unknown-message"
ELSEWHERE = "went-elsewhere"
ENDED = "has-ended"


@frozen
class Reject:
    """It did not arrive after all."""

    why: str


@frozen
class Leave:
    """It stays as it is."""

    reason: str
    detail: str


Judgement: TypeAlias = Reject | Leave


def judge(told: Rejection, row: LedgerRow | None) -> Judgement:
    """What *told* means for *row*, the message that has that name; None: there is none.

    Anybody may be able to say so of a message that they know the name of. So it says nothing of messages to others, and
    what did not arrive cannot be rejected.
    """
    if row is None:
        return Leave(UNKNOWN, "no message of ours has that name")
    if row.platform_id != told.platform_id:
        return Leave(ELSEWHERE, f"that message went to {row.platform_id}, and not to {told.platform_id}")
    match row.state:
        case LedgerState.DEAD | LedgerState.REJECTED:
            return Leave(ENDED, f"that message is {row.state.value} already")
        case LedgerState.DELIVERED | LedgerState.UNKNOWN | LedgerState.PENDING | LedgerState.SENDING:
            # Of what is not decided yet, a part has arrived and was rejected: that it will not arrive whole is certain.
            return Reject(told.why)

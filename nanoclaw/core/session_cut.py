"""Where is a session cut, to have it as of a settled turn? Pure: its rows in, those that belong to it out.

A turn is over in one transaction, which settles its message and enters what was said: so the moment of that decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from nanoclaw.model.messages import InboundRow, LedgerRow


@frozen(kw_only=True)
class Cut:
    """A session as of a turn."""

    turn: InboundRow
    """The message that was settled then."""
    at: datetime
    came: tuple[InboundRow, ...]
    """Messages in that were settled by then, in order."""
    went: tuple[LedgerRow, ...]
    """Messages out that were there by then, in order; how each ended is as of now."""
    is_last: bool
    """Has nothing been settled since? Only then is what the model remembers that of the turn."""


@frozen
class NoTurn:
    """There is no such turn; *why* is for people."""

    why: str


Verdict: TypeAlias = Cut | NoTurn


def cut(came: Sequence[InboundRow], went: Sequence[LedgerRow], turn: str | None) -> Verdict:
    """The session of those rows as of *turn*, the id of a message in or the beginning of one; None: the last settled.

    Args:
      came: All messages in, in the order of their numbers.
      went: All messages out, in the order of their numbers.
      turn: Which.
    """
    settled = sorted((row for row in came if row.settled_at is not None), key=lambda row: (row.settled_at, row.seq))
    if not settled:
        return NoTurn("nothing in it is settled yet")
    if turn is None:
        last = settled[-1]
    else:
        exact = [row for row in came if row.id == turn]
        found = exact or [row for row in came if row.id.startswith(turn)]
        if len(found) != 1:
            return NoTurn(f"{'no message' if not found else 'more than one message'} in it begins with {turn}")
        last = found[0]
    if last.settled_at is None:
        return NoTurn(f"{last.id} is not settled yet")
    at = last.settled_at
    return Cut(
        turn=last,
        at=at,
        came=tuple(row for row in came if row.settled_at is not None and row.settled_at <= at),
        went=tuple(row for row in went if row.created_at <= at),
        is_last=settled[-1].settled_at == at,
    )

"""May a message be edited, or reacted to, and where is it? Pure. What an agent names is looked up by the caller."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.destinations import Refused, address_of
from nanoclaw.model.messages import Address, InboundRow, LedgerRow, LedgerState
from schema.payloads import Edit, Reaction
from schema.rows import InKind, OutKind

EDITABLE = (OutKind.CHAT.value,)
"""The kinds of messages out that can be edited."""
VISIBLE = (OutKind.CHAT.value, OutKind.CARD.value, OutKind.ASK_QUESTION.value)
"""Those that can be reacted to."""
HEARD = (InKind.CHAT, InKind.CHAT_SDK)
"""The kinds of messages in that can be."""


@frozen
class Alter:
    """It may be."""

    place: Address
    """Where the message is."""
    not_before: datetime | None
    """When the message itself will be sent, if it waits for a time: what alters it must not overtake it."""


Altering: TypeAlias = Alter | Refused


def decide_alteration(
    said: Edit | Reaction, out: LedgerRow | None, came: InboundRow | None, known: Iterable[Address]
) -> Altering:
    """Decide whether an agent may do that to message number `said.seq` of its session.

    Args:
      said: What it wants.
      out: The session's message out of that number; None: there is none.
      came: The session's message in of that number.
      known: Where its agent may write, as things are now.
    """
    if isinstance(said, Edit) and (out is None or out.epoch is None or out.kind not in EDITABLE):
        return Refused("unknown-message", f"there is no message {said.seq} of yours that could be changed")
    is_visible = out is not None and out.kind in VISIBLE
    is_heard = out is None and came is not None and came.event_id is not None and came.kind in HEARD
    place = address_of(out or came)
    if place is None or not (is_visible or is_heard):
        return Refused("unknown-message", f"there is no message {said.seq} that could be reacted to")
    if place.is_agent:
        return Refused("not-for-agents", f"message {said.seq} is one between agents, which stay as they are")
    if not any(to.is_in_chat_of(place) for to in known):
        return Refused("not-allowed", f"you may no longer write to where message {said.seq} is")
    waits = out is not None and out.state in (LedgerState.PENDING, LedgerState.SENDING)
    return Alter(place, out.not_before if out is not None and waits else None)

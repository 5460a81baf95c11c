"""Where may a session speak, and what does a name mean? Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from itertools import count
from typing import TypeAlias

from attrs import frozen

from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address, InboundRow, LedgerRow


@frozen
class Refused:
    """The message goes nowhere."""

    reason: str
    detail: str


Resolved: TypeAlias = Address | Refused


def address_of(row: InboundRow | LedgerRow | None) -> Address | None:
    """Where that message was said; None where that was in no chat."""
    if row is None or row.channel is None or row.platform_id is None:
        return None
    return Address(channel=ChannelName(row.channel), platform_id=row.platform_id, thread_id=row.thread_id)


def origin_of(session: SessionPlace, answered: InboundRow | None) -> Address | None:
    """Where a message goes that names nobody: to where that came from which it answers, or to where *session* is."""
    if (asked_in := address_of(answered)) is not None:
        return asked_in
    chat = session.messaging_group
    if chat is None:
        return None
    return Address(channel=chat.channel, platform_id=chat.platform_id, thread_id=session.session.thread_id)


def name_of(display_name: str, otherwise: str = "chat") -> str:
    """The name an agent uses for a place: small letters, digits and single dashes; *otherwise* if nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", display_name.lower()).strip("-") or otherwise


def free_name(display_name: str, taken: Container[str], otherwise: str = "chat") -> str:
    """`name_of`, made different from every *taken* one: `team`, `team-2`, `team-3` and so on."""
    name = name_of(display_name, otherwise)
    if name not in taken:
        return name
    return next(numbered for number in count(2) if (numbered := f"{name}-{number}") not in taken)


def resolve(destination: str | None, *, origin: Address | None, known: Mapping[str, Address | None]) -> Resolved:
    """Turn what a runner wrote into a place.

    Args:
      destination: The name in the runner's row; None means "where the message I answer came from".
      origin: Where that message came from, from the host's own row; None if the row names none of this session's.
      known: The agent group's destinations; None is another agent group.
    """
    if destination is not None:
        if destination not in known:
            return Refused("unknown-destination", f"there is no destination named {destination[:80]!r}")
        place = known[destination]
        if place is None:
            return Refused("not-carried", "messages to other agents are not carried yet")
        # Answering in the same chat stays in the thread that was asked in.
        return origin if origin is not None and origin.is_in_chat_of(place) else place
    if origin is not None:
        return origin
    places = [place for place in known.values() if place is not None]
    if len(known) == 1 and places:
        return places[0]
    return Refused("no-destination", "the row names no destination and answers no message of this session")

"""Where may a session speak, and what does a name mean? Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from itertools import count
from typing import TypeAlias

from attrs import frozen

from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import AgentGroupId, ChannelName
from nanoclaw.model.messages import AGENTS, Address, InboundRow, LedgerRow


@frozen
class Refused:
    """The message goes nowhere."""

    reason: str
    detail: str


Resolved: TypeAlias = Address | Refused


def address_of(row: InboundRow | LedgerRow | None) -> Address | None:
    """Where that message was said, or by which agent; None where that was nowhere."""
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


def agent_place(group: AgentGroupId) -> Address:
    """Where another agent is written to."""
    return Address(channel=AGENTS, platform_id=group)


def resolve(destination: str | None, *, origin: Address | None, known: Mapping[str, Address]) -> Resolved:
    """Turn what a runner wrote into a place.

    A chat in which an agent is asked something it may answer in; another agent it may write to only by a destination.

    Args:
      destination: The name in the runner's row; None means "where the message I answer came from".
      origin: Where that message came from, from the host's own row; None if the row names none of this session's.
      known: The agent group's destinations, as things are now.
    """
    if destination is not None:
        if destination not in known:
            return Refused("unknown-destination", f"there is no destination named {destination[:80]!r}")
        place = known[destination]
        # Answering in the same chat stays in the thread that was asked in.
        return origin if origin is not None and origin.is_in_chat_of(place) else place
    if origin is not None:
        if origin.is_agent and origin not in known.values():
            return Refused("unknown-destination", "the agent that this answers is no destination")
        return origin
    if len(known) == 1:
        return next(iter(known.values()))
    return Refused("no-destination", "the row names no destination and answers no message of this session")

"""Who does a tool write to? Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from runner.core.arguments import Refused
from runner.core.causes import place_of
from schema.rows import Destination

Place: TypeAlias = tuple[str | None, str | None]
"""A channel and an id on it; for another agent, `agent` and its group."""


@frozen
class Recipient:
    """Who it is for."""

    destination: str | None
    """As a row says it: None is where the message came from that is being answered, thread and all."""
    name: str | None
    """As the agent knows it; None: it is nobody that it could name."""

    def __str__(self) -> str:
        """In a sentence for the model."""
        return self.name or "the chat you are answering"


def decide_recipient(to: str | None, here: Place | None, known: Sequence[Destination]) -> Recipient | Refused:
    """Who is meant by *to*, or by nothing: where the message came from, or the only one there is.

    Args:
      to: A name, as the model gave it; None: it gave none.
      here: Where the message came from that is being answered, or where the session is; None: nowhere in particular.
      known: Who may be written to.
    """
    names = sorted(destination.name for destination in known)
    if to is not None:
        if to in names:
            return Recipient(to, to)
        return Refused(f"There is no destination {to[:80]!r}. {_whom(names)}")
    if here is not None:
        return Recipient(None, {place_of(destination): destination.name for destination in known}.get(here))
    if len(names) == 1:
        return Recipient(names[0], names[0])
    return Refused(f"Say who it is for. {_whom(names)}" if names else _whom(names))


def _whom(names: Sequence[str]) -> str:
    return f"You can write to: {', '.join(names)}." if names else "There is nobody you may write to."

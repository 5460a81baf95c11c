"""Which message does an answer answer? Pure. The host sends a reply to the thread of the message it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from attrs import field, frozen

from schema.rows import AGENT_CHANNEL, Destination, DestinationType, MessageIn


@frozen
class Causes:
    """What the model is answering."""

    newest: str | None = None
    """The id of the newest message that asked; None: nobody did."""
    by_name: Mapping[str, str] = field(factory=lambda: MappingProxyType(dict[str, str]()))
    """The newest of those that came from a destination, by its name."""

    def of(self, name: str | None) -> str | None:
        """The message that words for *name* answer; None is wherever the newest came from."""
        return self.newest if name is None else self.by_name.get(name, self.newest)


def causes_of(rows: Iterable[MessageIn], destinations: Iterable[Destination]) -> Causes:
    """What is answered by somebody who has read *rows*, in whatever order."""
    names = {place_of(destination): destination.name for destination in destinations}
    asking = sorted((row for row in rows if row.trigger), key=lambda row: row.seq)
    by_name = {name: row.id for row in asking if (name := names.get((row.channel_type, row.platform_id))) is not None}
    return Causes(asking[-1].id if asking else None, MappingProxyType(by_name))


def place_of(destination: Destination) -> tuple[str | None, str | None]:
    """The two columns that a message from there has."""
    if destination.type is DestinationType.AGENT:
        return AGENT_CHANNEL, destination.agent_group_id
    return destination.channel_type, destination.platform_id

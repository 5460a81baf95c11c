"""What happened in one simulated run, as whoever stands outside the host could have seen it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TypeAlias, TypeVar

import trio
from attrs import define, field, frozen


@frozen
class Offered:
    """A platform told the host of an event, for the first time or again."""

    event: str
    room: str


@frozen
class Acknowledged:
    """The host said that it has the event: the platform forgets it."""

    event: str
    heard: bool


@frozen
class Born:
    """A sandbox of a session came to life."""

    session: str
    epoch: int


@frozen
class Ended:
    """It ended, by itself or not."""

    session: str
    epoch: int
    code: int


@frozen
class Claimed:
    """Its agent took messages up."""

    session: str
    epoch: int
    messages: tuple[str, ...]
    texts: tuple[str, ...]
    """What they say; an event says its number first."""


@frozen
class Settled:
    """Its agent said that it is done with a message: completed, or failed. A reply is no part of it."""

    session: str
    epoch: int
    message: str
    failed: bool


@frozen
class Replied:
    """Its agent said something, durably: the host's id of it, and where it is to go."""

    session: str
    epoch: int
    key: str
    room: str
    answers: str


@frozen
class Trespass:
    """Somebody wrote into a file that has another writer."""

    where: str


@frozen
class Posted:
    """A platform shows a message."""

    key: str
    room: str
    again: bool
    """It shows it already; without keys it now shows it twice."""


@frozen
class Decided:
    """A person answered a request that waited."""

    approval: str


@frozen
class Host:
    """A host started, was killed, was told to stop, or ended by itself."""

    what: str
    why: str = ""


@frozen
class Fault:
    """The world did something that a host has to live with."""

    what: str

    @property
    def leaves_doubt(self) -> bool:
        """May a message have been posted of which its host does not hear?"""
        return " taken for " in self.what or " hangs for " in self.what


Happening: TypeAlias = (
    Offered | Acknowledged | Born | Ended | Claimed | Settled | Replied | Trespass | Posted | Decided | Host | Fault
)
HappeningT = TypeVar("HappeningT", bound=Happening)


@define(eq=False)
class History:
    """Everything, in order, with the second at which it happened."""

    happenings: list[tuple[float, Happening]] = field(factory=list[tuple[float, Happening]])

    def note(self, happening: Happening) -> None:
        """It happens now."""
        self.happenings.append((trio.current_time(), happening))

    def all(self, kind: type[HappeningT]) -> Iterator[HappeningT]:
        """All of one kind, in order."""
        return (happening for _, happening in self.happenings if isinstance(happening, kind))

    def happened(self, what: Happening) -> bool:
        """Did exactly that happen?"""
        return any(happening == what for _, happening in self.happenings)

    def lines(self) -> list[str]:
        """One for each happening, as people read it."""
        return [f"{at:12.3f}  {happening}" for at, happening in self.happenings]

    def digest(self) -> str:
        """Two runs with the same digest were the same run."""
        return hashlib.sha256("\n".join(self.lines()).encode()).hexdigest()[:16]

"""Whose sandbox ends when there are too many, or too little memory? Pure: the least recently used of the idle ones."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from nanoclaw.model.ids import SessionId


@frozen(kw_only=True)
class Guest:
    """A sandbox that has a place."""

    session: SessionId
    idle_since: float | None
    """When it last had anything to do, in seconds of any one clock; None: it is at work."""
    asked: bool
    """Was it asked to make room?"""


@frozen(kw_only=True)
class Pressure:
    """What there is too little of."""

    waiting: int
    """Sandboxes that wait for a place."""
    memory_short: bool
    """Is less memory free than has to be?"""


def whom_to_ask(guests: Iterable[Guest], pressure: Pressure) -> tuple[SessionId, ...]:
    """The idle ones that shall make room, the longest idle first.

    One for each that waits, counting those that were asked and are still there; and one, not more, for the sake of
    memory: what that frees shows only when it is gone.
    """
    everybody = tuple(guests)
    under_way = sum(guest.asked for guest in everybody)
    wanted = max(pressure.waiting, int(pressure.memory_short)) - under_way
    idle = [
        (guest.idle_since, guest.session) for guest in everybody if guest.idle_since is not None and not guest.asked
    ]
    return tuple(session for _, session in sorted(idle)[: max(0, wanted)])

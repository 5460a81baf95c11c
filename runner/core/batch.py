"""Which of the pending messages are put to the model next, and may they be now? Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from itertools import takewhile
from typing import TypeAlias

from attrs import frozen

from schema.rows import MessageIn


class Stream(Enum):
    """How the query stands."""

    CLOSED = "closed"
    """There is none, and nothing is under way."""
    BUSY = "busy"
    """It is being opened, or an error is waited out."""
    OPEN = "open"
    """More can be said."""
    ENDING = "ending"
    """Nothing more can be said: it ends after what is under way."""


@frozen
class Take:
    """These are claimed and said, oldest first."""

    rows: tuple[MessageIn, ...]


@frozen
class Obey:
    """This is a command, which is a turn of its own."""

    row: MessageIn


@frozen
class End:
    """The query is to end: a command waits, and commands come first in a query or not at all."""


@frozen
class Rest:
    """There is nothing to do, for now."""


Step: TypeAlias = Take | Obey | End | Rest


def decide_next(
    rows: Sequence[MessageIn],
    most: int,
    *,
    commands: Collection[str] = (),
    stream: Stream = Stream.CLOSED,
    under_way: bool = False,
    alone: bool = False,
) -> Step:
    """Decide what to do about *rows*.

    In the order in which messages came: nothing that came after a command is taken before it.

    Args:
      rows: Pending, due and not yet claimed, in any order.
      most: How many rows may be taken at once, at least 1.
      commands: The ids of those that are commands.
      stream: How the query stands.
      under_way: Is there something that the model has not answered yet?
      alone: Is that something beside which nothing else may be?
    """
    about_to_open = under_way and stream is Stream.CLOSED
    if alone or about_to_open or stream in {Stream.BUSY, Stream.ENDING}:
        return Rest()
    ordered = sorted(rows, key=lambda row: row.seq)
    before = list(takewhile(lambda row: row.id not in commands, ordered))
    chosen = choose_more(before, most) if under_way else choose(before, most)
    if chosen:
        return Take(chosen)
    if len(before) == len(ordered) or any(row.trigger for row in before):
        return Rest()
    return End() if stream is Stream.OPEN else Obey(ordered[len(before)])


def choose(rows: Sequence[MessageIn], most: int) -> tuple[MessageIn, ...]:
    """The rows that begin a turn, oldest first; none while nothing asks for one.

    Rows that ask for a turn (`trigger`) come before those that are only context: the oldest of them are taken, and
    whatever room is left is filled with the newest context. What is not taken stays pending.

    A row whose turn was broken off before (`tries`) is the only one in its turn that asks: if it is what ends
    sandboxes, it takes no other message with it.

    Args:
      rows: Pending, due and not yet claimed, in any order.
      most: How many rows a turn may have, at least 1.
    """
    asking = [row for row in _oldest_first(rows) if row.trigger]
    fresh = list(takewhile(lambda row: row.tries == 0, asking))
    chosen = (fresh or asking[:1])[:most]
    return _filled(chosen, rows, most) if chosen else ()


def choose_more(rows: Sequence[MessageIn], most: int) -> tuple[MessageIn, ...]:
    """The rows that join a turn under way, oldest first; context also where nothing asks.

    Those before the first whose turn was broken off: that one waits for a turn of its own, and what came later
    waits with it.
    """
    joining = list(takewhile(lambda row: not (row.trigger and row.tries), _oldest_first(rows)))
    return _filled([row for row in joining if row.trigger][:most], joining, most)


def _filled(chosen: Sequence[MessageIn], rows: Sequence[MessageIn], most: int) -> tuple[MessageIn, ...]:
    room = most - len(chosen)
    context = [row for row in _oldest_first(rows) if not row.trigger]
    return tuple(_oldest_first([*chosen, *(context[-room:] if room else ())]))


def _oldest_first(rows: Sequence[MessageIn]) -> list[MessageIn]:
    return sorted(rows, key=lambda row: row.seq)

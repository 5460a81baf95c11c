"""Which of the pending messages make the next turn? Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from schema.rows import MessageIn


def choose(rows: Sequence[MessageIn], most: int) -> tuple[MessageIn, ...]:
    """The rows to claim next, oldest first; none while nothing asks for a turn.

    Rows that ask for a turn (`trigger`) come before those that are only context: the oldest of them are taken, and
    whatever room is left is filled with the newest context. What is not taken stays pending.

    A row whose turn was broken off before (`tries`) is the only one in its turn that asks: if it is what ends
    sandboxes, it takes no other message with it.

    Args:
      rows: Pending, due and not yet claimed, in any order.
      most: How many rows a turn may have, at least 1.
    """
    oldest_first = sorted(rows, key=lambda row: row.seq)
    asking = [row for row in oldest_first if row.trigger]
    fresh = list(takewhile(lambda row: row.tries == 0, asking))
    chosen = (fresh or asking[:1])[:most]
    if not chosen:
        return ()
    room = most - len(chosen)
    context = [row for row in oldest_first if not row.trigger]
    return tuple(sorted([*chosen, *(context[-room:] if room else ())], key=lambda row: row.seq))

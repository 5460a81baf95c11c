"""What a channel remembers of its platform while it runs, and asking a platform again that has no time now."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from nanoclaw.errors import DeliveryError

PATIENT_TRIES = 5
MOST_REMEMBERED = 2_000
"""Of what would otherwise be asked for again, or grow for ever."""

T = TypeVar("T")


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again while the answer is "later", a few times. Raises what *ask* raises."""
    for _ in range(PATIENT_TRIES - 1):
        try:
            return await ask()
        except DeliveryError as exc:
            if exc.retry_after is None:
                raise
            await trio.sleep(exc.retry_after)
    return await ask()


def remember(known: OrderedDict[str, T], name: str, value: T) -> None:
    """Note *value*; of too much, the oldest goes."""
    known[name] = value
    if len(known) > MOST_REMEMBERED:
        known.popitem(last=False)

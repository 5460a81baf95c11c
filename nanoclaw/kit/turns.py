"""Going over much on the loop without holding it up: after every few, whatever else can run has its turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

import trio

T = TypeVar("T")

AT_ONCE = 50


async def in_turns(items: Iterable[T], at_once: int = AT_ONCE) -> AsyncIterator[T]:
    """Each of *items*, as they are when this begins; others run after every *at_once* of them.

    Cancellation: a checkpoint after every *at_once*.
    """
    for number, item in enumerate(list(items), 1):
        yield item
        if number % at_once == 0:
            await trio.lowlevel.checkpoint()

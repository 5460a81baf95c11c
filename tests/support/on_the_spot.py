"""Threads that are none: what is handed over is done at once, so that a mock clock stands still meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import trio

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class OnTheSpot:
    """Implements `Threads`."""

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Do it now."""
        await trio.lowlevel.checkpoint()
        return work(*arguments)

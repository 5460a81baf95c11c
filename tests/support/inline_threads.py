"""Threads without a thread, for tests on the mock clock: what blocks is done on the spot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import trio
from attrs import frozen

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@frozen
class InlineThreads:
    """Implements `nanoclaw.kit.threads.Threads`."""

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Do it here."""
        await trio.lowlevel.checkpoint()
        return work(*arguments)

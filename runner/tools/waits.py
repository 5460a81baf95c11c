"""What tools wait for: the answer to a question, the result of a request. Each comes as an inbound row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

import trio
from attrs import define, field, frozen

from runner.model import Incoming
from schema.requests import row_noted

Awaited: TypeAlias = str | tuple[int, str]
"""A row by its id; or what the host notes about one of ours, by our epoch and our id."""


@frozen
class Wait:
    """Somebody waits for the first of some rows."""

    awaited: tuple[Awaited, ...]
    give: trio.MemorySendChannel[Incoming]
    _rows: trio.MemoryReceiveChannel[Incoming]

    async def row(self, seconds: float) -> Incoming | None:
        """The row, if it comes within so many *seconds*."""
        with trio.move_on_after(seconds):
            return await self._rows.receive()
        # It may have come in the very moment at which that was over.
        with suppress(trio.WouldBlock):
            return self._rows.receive_nowait()
        return None


@define(eq=False)
class Waits:
    """Who waits for which row."""

    _waiting: dict[Awaited, Wait] = field(factory=dict[Awaited, Wait], init=False)

    def awaits(self, row_id: str) -> bool:
        """Does anybody wait for the row of that id?"""
        return _awaited(row_id) in self._waiting

    def hand(self, incoming: Incoming) -> None:
        """Give a row to whoever waits for it, who then waits for no other."""
        wait = self._waiting[_awaited(incoming.row.id)]
        self._forget(wait)
        wait.give.send_nowait(incoming)

    @contextmanager
    def waiting(self, *awaited: Awaited) -> Iterator[Wait]:
        """Wait, while the block runs, for the first of those rows."""
        wait = Wait(awaited, *trio.open_memory_channel[Incoming](1))
        self._waiting |= dict.fromkeys(awaited, wait)
        try:
            yield wait
        finally:
            self._forget(wait)

    def _forget(self, wait: Wait) -> None:
        for one in wait.awaited:
            self._waiting.pop(one, None)


def _awaited(row_id: str) -> Awaited:
    return row_noted(row_id) or row_id

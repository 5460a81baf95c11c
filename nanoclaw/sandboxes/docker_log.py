"""Copies what a container said from the daemon, which keeps it, into the log of its sandbox: on demand, and at the end.

No connection is held open for it: a sandbox that says nothing costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import trio
from attrs import define, field

from nanoclaw.sandboxes.docker_api import (
    ConflictError,
    ContainerApi,
    ContainerId,
    LogLine,
    NotThereError,
    RefusedError,
)
from nanoclaw.sandboxes.log import SandboxLog
from nanoclaw.sandboxes.waiting import Waiting

PART_BYTES = 1 << 18
LAST_LINES = 20
"""So many are taken from the end of a log that was too long."""


@define(eq=False)
class LogCopy:
    """How far the log of one container has been copied."""

    _api: ContainerApi
    _container: ContainerId
    _is_over: Callable[[], bool]
    """Has the container ended?"""
    _news: trio.Event = field(factory=trio.Event, init=False)
    _until: str | None = field(default=None, init=False)
    """The time of the last line that was copied."""
    _same: int = field(default=0, init=False)
    """How many of that very time were."""
    _bytes: int = field(default=0, init=False)

    def hurry(self) -> None:
        """There may be something to copy, or the container has ended. Never blocks."""
        self._news.set()

    async def run(self, log: SandboxLog) -> None:
        """Copy until the container has ended and all of it is there. Cancelled, it can be called again."""
        over = False
        while not over:
            if not self._is_over():
                await self._news.wait()
            self._news = trio.Event()
            over = self._is_over()
            try:
                await self._copy(log)
                if over and self._bytes >= log.most_bytes:
                    await log.add(b"".join(line.text for line in await self._read(tail=LAST_LINES)))
            except (NotThereError, ConflictError, RefusedError):
                # It is gone, and its log with it.
                await trio.lowlevel.checkpoint()
        await log.end()

    async def _copy(self, log: SandboxLog) -> None:
        """Copy what is new, up to the bound of *log*."""
        while self._bytes < log.most_bytes:
            lines = self._fresh(await self._read())
            if not lines:
                return
            chunk = b"".join(line.text for line in lines)
            # Before it is added, which happens also when cancelled.
            self._note(lines, len(chunk))
            await log.add(chunk)

    async def _read(self, tail: int | None = None) -> tuple[LogLine, ...]:
        since = self._until if tail is None else None
        request = partial(self._api.logs, self._container, since=since, most_bytes=PART_BYTES, tail=tail)
        return await Waiting().answered(request)

    def _fresh(self, lines: Sequence[LogLine]) -> list[LogLine]:
        """Those of *lines* that were not copied yet."""
        if self._until is None:
            return list(lines)
        later = [line for line in lines if line.at >= self._until]
        return later[min(self._same, sum(line.at == self._until for line in later)) :]

    def _note(self, lines: Sequence[LogLine], size: int) -> None:
        last = lines[-1].at
        same = sum(line.at == last for line in lines)
        self._same = self._same + same if last == self._until else same
        self._until = last
        self._bytes += size

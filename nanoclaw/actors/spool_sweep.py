"""Removes files from the spool that no message has any use for: left by a crash, or by an adapter that forgot them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial

import structlog
import trio
from attrs import field, frozen

from nanoclaw.actors.nets import Nets
from nanoclaw.errors import StoreError
from nanoclaw.kit.every import every
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.threads import WORKER_THREADS, Threads
from nanoclaw.store import files
from nanoclaw.store.db import Store

log = structlog.get_logger()

LAST_SECONDS = 2.0
IN_FLIGHT = timedelta(hours=1)
"""A file that nobody has written to for so long does not belong to a message that is just being stored."""


@asynccontextmanager
async def swept(
    store: Store, spool: Spool, *, threads: Threads = WORKER_THREADS, nets: Nets | None = None
) -> AsyncGenerator[SpoolSweep]:
    """Sweep the whole of *spool* before and after the block, in which all other parts of the host live.

    Before, for those whom a crash kept from it; after, for those who were cancelled between deciding a message and
    removing its files.
    """
    sweep = SpoolSweep(store, spool, threads, nets or Nets())
    await sweep.whole()
    try:
        yield sweep
    finally:
        with trio.move_on_after(LAST_SECONDS, shield=True), suppress(StoreError, OSError):
            await sweep.whole()


@frozen
class SpoolSweep:
    """The net under whoever removes a file as soon as its message is decided."""

    _store: Store
    _spool: Spool
    _threads: Threads = WORKER_THREADS
    _nets: Nets = field(factory=Nets)

    async def whole(self) -> None:
        """Remove all that no message needs. Only while no other part of the host runs."""
        await self._sweep(timedelta())

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Look now and again until cancelled, and leave alone what may be in flight."""
        task_status.started()
        await every(self._nets.spool, self._look)

    async def _look(self) -> None:
        await self._sweep(IN_FLIGHT)

    async def _sweep(self, unchanged_for: timedelta) -> None:
        # Of the writer, which answers no more once the disk has failed: a reader does not see what may have been stored
        # by then all the same, and its files are to be there when that turns out.
        needed = await self._store.transact(files.needed)
        look = partial(self._spool.sweep, needed, unchanged_for=unchanged_for.total_seconds())
        removed = await self._threads.run(look)
        if removed:
            log.info("spool_swept", files=len(removed))

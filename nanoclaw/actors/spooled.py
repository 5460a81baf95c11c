"""Files of the spool and the transaction that is to keep them: afterwards, what it has no use for is gone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import structlog

from nanoclaw.channels.base import KeepsFiles, OutgoingFile
from nanoclaw.errors import StoreBrokenError, StoreError
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.threads import Threads
from nanoclaw.model.ids import SpoolId
from nanoclaw.store import files
from nanoclaw.store.db import Store

log = structlog.get_logger()


@asynccontextmanager
async def keeping(came: Sequence[SpoolId], store: Store, spool: Spool, threads: Threads) -> AsyncGenerator[None]:
    """Run a block whose transaction may keep the files *came*; then remove those that no message needs.

    Where nobody can know what was stored, because the disk failed or the block was cancelled, they stay: the sweep of
    the spool will find out.
    """
    try:
        yield
    except StoreBrokenError:
        raise
    except StoreError:
        await remove(came, spool, threads)
        raise
    if came:
        await remove_unneeded(came, store, spool, threads)


async def remove_unneeded(came: Sequence[SpoolId], store: Store, spool: Spool, threads: Threads) -> None:
    """Remove those of *came* that no message needs."""
    await remove(await store.read(files.not_needed, came), spool, threads)


async def remove(came: Sequence[SpoolId], spool: Spool, threads: Threads) -> None:
    """Remove files from *spool*, in a thread. One that the disk will not let go of is left to the sweep."""
    try:
        await threads.run(spool.remove, came)
    except OSError as exc:
        log.warning("spool_not_removed", files=len(came), why=str(exc))


def keeps_files(channel: object) -> bool:
    """Are files of what was delivered there still wanted?"""
    return isinstance(channel, KeepsFiles) and channel.keeps_files


def lost(files: Sequence[OutgoingFile]) -> str | None:
    """The name of one that is not in the spool. Blocks."""
    return next((file.name for file in files if not file.path.is_file()), None)

"""A folder for what an image is built from. Those that dead hosts left behind go with the next one that is made."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import structlog
import trio

log = structlog.get_logger()

PREFIX = "nanoclaw-image-"
OLD_SECONDS = 60.0
"""A folder that is younger may not be locked yet."""


@asynccontextmanager
async def build_folder() -> AsyncIterator[Path]:
    """A folder of our own that goes when we do. Its removal is short, and is waited for also when cancelled."""
    await trio.to_thread.run_sync(remove_left_behind, Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder, _locked(Path(folder)) as ours:
        assert ours
        yield Path(folder)


def remove_left_behind(where: Path) -> None:
    """Remove the folders in *where* that whoever made them has left behind. Blocks.

    Who uses one has a lock on it, which goes with its process, also in another container. Other users' stay.
    """
    for path in where.glob(f"{PREFIX}*"):
        try:
            facts = path.lstat()
            if facts.st_uid != os.geteuid() or time.time() - facts.st_mtime < OLD_SECONDS:
                continue
            with _locked(path) as ours:
                if ours:
                    log.info("build_folder_left_behind", path=str(path))
                    shutil.rmtree(path)
        except OSError as exc:
            # Somebody else removes it, or will not let us: the build needs none of it.
            log.warning("build_folder_stays", path=str(path), why=str(exc))


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold the lock of *folder*; False: somebody else does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)

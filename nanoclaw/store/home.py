"""The home folder: made once, held by one host at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from nanoclaw.errors import HomeInUseError
from nanoclaw.store import swapping
from schema.times import write_time

FOLDERS = ("run", "sessions", "groups", "composed", "state", "skills", "spool", "secrets", "logs", "backups")
SKILLS = "skills"


@contextmanager
def held(home: Path, *, now: datetime) -> Iterator[None]:
    """Hold *home* for the length of the block; the kernel lets go of it even if the process is killed.

    A restore that was decided and not ended is ended first.

    Raises:
      HomeInUseError: another host holds it; nothing was written.
      OSError: a restore cannot be ended.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
            raise HomeInUseError(home=str(home), holder=holder or "another host") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()}, started {write_time(now)}\n".encode(), 0)
        swapping.finish(home)
        yield
    finally:
        os.close(descriptor)


def make_folders(home: Path) -> None:
    """Make what is missing of the home's folders; only this user can enter them, and sandboxes skills/."""
    for name in FOLDERS:
        folder = home / name
        is_new = not folder.exists()
        folder.mkdir(exist_ok=True, mode=0o700)
        if is_new and name == SKILLS:
            # Sandboxes see it as it is, and may run as somebody else. The home keeps out everybody else.
            folder.chmod(0o755)

"""A file that is whole or not there: written aside in its own folder, and given its name at the end."""

from __future__ import annotations

import contextlib
import os

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def put(folder: int, name: str, data: bytes, *, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Let the file *name* have this content. Blocks.

    Whoever reads it sees the old content or the new one, whole. One writer at a time, in folders that only the host
    writes.

    Args:
      folder: Its descriptor.
      mode: What it may be used for, whatever this process keeps from new files.
      owner: User and group; None: this process'.

    Raises:
      OSError: the disk would not; the old file is as it was.
    """
    aside = f".{name}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(aside, dir_fd=folder)
    descriptor = os.open(aside, _NEW, mode, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            if owner is not None:
                os.fchown(descriptor, *owner)
            file.write(data)
        os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(aside, dir_fd=folder)
        raise

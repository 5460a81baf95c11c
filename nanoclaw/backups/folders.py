"""Putting a folder that agents can write into a backup: by descriptors, so that nothing they swap leads elsewhere.

What cannot come along is skipped and said: devices and pipes, what nobody may read, holes that claim to be huge files,
what is nested without end. Everything here blocks.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from nanoclaw.backups.archive import ArchiveWriter

DEEPEST = 100
MOST_FILE = 4 << 30
LEAST_HOLE = 64 << 20
"""A file that claims to be larger, and has less than half of it on the disk, is one by which an agent fills disks."""
BLOCK = 512

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def add_tree(archive: ArchiveWriter, folder: Path, name: str, room: Callable[[], None]) -> None:
    """Add *folder*, if it is there, as the home's *name*, with all that is in it.

    Args:
      archive: Where to.
      folder: What.
      name: Its place in the home.
      room: Called before each file; what it raises ends the work.

    Raises:
      OSError: the archive cannot be written.
    """
    try:
        descriptor = os.open(folder, _FOLDER)
    except FileNotFoundError:
        return
    except OSError as exc:
        archive.skip(name, exc.strerror or "it cannot be read")
        return
    try:
        _add(archive, descriptor, name, room, 0)
    finally:
        os.close(descriptor)


def _add(archive: ArchiveWriter, parent: int, name: str, room: Callable[[], None], depth: int) -> None:
    archive.add_folder(name, os.fstat(parent))
    try:
        entries = sorted(entry.name for entry in os.scandir(parent))
    except OSError as exc:
        archive.skip(name, exc.strerror or "it cannot be read")
        return
    for entry in entries:
        path = f"{name}/{entry}"
        try:
            kind = os.stat(entry, dir_fd=parent, follow_symlinks=False).st_mode
            if stat.S_ISLNK(kind):
                archive.add_link(path, os.readlink(entry, dir_fd=parent))
                continue
            if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
                archive.skip(path, "it is a device, a pipe or a socket")
                continue
            if stat.S_ISDIR(kind) and depth >= DEEPEST:
                archive.skip(path, f"it is nested more than {DEEPEST} folders deep")
                continue
            descriptor = os.open(entry, _FOLDER if stat.S_ISDIR(kind) else _FILE, dir_fd=parent)
        except OSError as exc:
            # An agent may be at work in it: what is gone meanwhile is none of this moment.
            if not isinstance(exc, FileNotFoundError):
                archive.skip(path, exc.strerror or "it cannot be read")
            continue
        if stat.S_ISDIR(kind):
            try:
                _add(archive, descriptor, path, room, depth + 1)
            finally:
                os.close(descriptor)
        else:
            _add_file(archive, descriptor, path, room)


def _add_file(archive: ArchiveWriter, descriptor: int, path: str, room: Callable[[], None]) -> None:
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            archive.skip(path, "it is no file any more")
        elif status.st_size > MOST_FILE:
            archive.skip(path, f"it is larger than {MOST_FILE >> 30} GiB")
        elif status.st_size > LEAST_HOLE and status.st_blocks * BLOCK < status.st_size / 2:
            archive.skip(path, "most of it is a hole")
        else:
            room()
            archive.add_file(path, file)

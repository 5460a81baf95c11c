"""Folders by descriptor: what is done in a folder that an agent can write goes through one, and follows no link.

An agent may change anything below its folder at any moment, also while this runs. So a name is never looked at first
and used afterwards: each step says what it takes to be there, and the kernel refuses what is something else.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from nanoclaw.kit.whole_file import put
from nanoclaw.model.sandbox import Owner

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_HANDLE = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

DISPLACED = ".displaced"
"""What is added to the name of something of an agent's that stood where the host needs the place."""


@contextlib.contextmanager
def folder(name: str | Path, parent: int | None = None, *, mode: int = 0o700) -> Iterator[int]:
    """A descriptor of a folder, which is made if it is missing; the mode is that of a new one.

    Raises:
      OSError: the disk would not, or something else has that name, also a link to a folder.
    """
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, mode, dir_fd=parent)
    descriptor = _open(name, parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def seed_file(parent: int, name: str, data: bytes, owner: Owner | None) -> None:
    """Make a file of the agent's, for its owner alone, unless there is anything at all of that name."""
    try:
        descriptor = os.open(name, _NEW, 0o600, dir_fd=parent)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as file:
        give(descriptor, owner)
        file.write(data)


def seed_folder(parent: int, name: str, owner: Owner | None) -> None:
    """Make a folder of the agent's, for its owner alone, unless there is anything at all of that name."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
        if owner is not None:
            os.chown(name, owner.uid, owner.gid, dir_fd=parent, follow_symlinks=False)


def give(descriptor: int, owner: Owner | None) -> None:
    """Let what is open belong to *owner*."""
    if owner is not None:
        os.fchown(descriptor, owner.uid, owner.gid)


def publish(parent: int, name: str, data: bytes, *, mode: int = 0o644) -> bool:
    """Let the host's file *name* have this content for all to read; returns whether it had another one.

    Whoever reads it sees the old content or the new one, whole. For folders that only the host writes, one writer at a
    time.
    """
    if read_file(parent, name, most=len(data)) == data:
        return False
    put(parent, name, data, mode=mode)
    return True


def read_file(parent: int, name: str, *, most: int) -> bytes | None:
    """The content of a plain file; None if there is none, or one of more than *most* bytes."""
    try:
        descriptor = os.open(name, _READ, dir_fd=parent)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        # A link, a socket, a device that nobody serves.
        if stat.S_ISREG(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(most + 1)
        return data if len(data) <= most else None
    finally:
        os.close(descriptor)


def remove_others(parent: int, keep: set[str]) -> None:
    """Remove every file of a host's folder that is not to be kept; for folders that only the host writes."""
    for name in set(names(parent)) - keep:
        with contextlib.suppress(IsADirectoryError):
            os.unlink(name, dir_fd=parent)


def names(parent: int, most: int | None = None) -> list[str]:
    """What is in a folder, or the first *most* of it, in no order."""
    with os.scandir(parent) as entries:
        return [entry.name for entry in islice(entries, most)]


def move_aside(parent: int, name: str) -> str | None:
    """Give what is called *name* another one, which nothing else has; returns it, None if nothing was there.

    A link, or anything else that has no content of its own, is removed, and its own name returned. Raises `OSError`.
    """
    try:
        kind = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        os.unlink(name, dir_fd=parent)
        return name
    aside = f"{name}{DISPLACED}"
    try:
        # Not a rename, which would replace what an earlier one moved there; folders cannot be linked.
        os.link(name, aside, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
        os.unlink(name, dir_fd=parent)
        return aside
    except FileNotFoundError:
        return None
    except OSError:
        aside = f"{aside}-{secrets.token_hex(4)}"
    try:
        os.rename(name, aside, src_dir_fd=parent, dst_dir_fd=parent)
    except FileNotFoundError:
        return None
    return aside


def _open(name: str | Path, parent: int | None) -> int:
    """Open a folder; its owner may have taken the rights to it away from himself."""
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except PermissionError:
        handle = os.open(name, _HANDLE, dir_fd=parent)
    try:
        # By its descriptor: a name could by now be a link to somewhere else.
        there = Path(f"/proc/self/fd/{handle}")
        there.chmod(0o700)
        return os.open(there, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    finally:
        os.close(handle)

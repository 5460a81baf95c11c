"""Reading a file where a sandbox can write: by descriptors, without following a link or waiting, whole or not at all.

What is opened is looked at by its descriptor, never by its name again, so it does not matter what takes the name's
place. A file that is being written, or swapped for another, is refused or is whole.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 1 << 20

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NO_FILE = "there is no such file"
_ITS_DOING = {
    errno.ENOENT: NO_FILE,
    errno.ENOTDIR: NO_FILE,
    errno.ELOOP: "it is a link",
    errno.ENAMETOOLONG: "that is no name of a file",
    errno.EILSEQ: "that is no name of a file",
    errno.EINVAL: "that is no name of a file",
    errno.ENXIO: "it is no plain file",
    errno.ENODEV: "it is no plain file",
    errno.EACCES: "it cannot be read",
    errno.EPERM: "it cannot be read",
    errno.EAGAIN: "it is held by a lease",
}
"""What a sandbox can make of a name. Other errors of `open` are the host's own troubles."""


class RefusedError(Exception):
    """Carries why a file is not taken."""


@contextmanager
def opened(name: str, flags: int, parent: int | None) -> Iterator[int]:
    """A descriptor of what is called *name* in a folder, or of a whole path that no sandbox can change.

    Raises:
      RefusedError: there is nothing of that kind.
      OSError: the host's own trouble.
    """
    try:
        fd = os.open(name, flags, dir_fd=parent)
    except OSError as exc:
        if exc.errno not in _ITS_DOING:
            raise
        raise RefusedError(_ITS_DOING[exc.errno]) from None
    try:
        yield fd
    finally:
        os.close(fd)


def content(fd: int, *, most: int, too_large: str) -> Iterator[bytes]:
    """What is in an open file, in order. Blocks.

    Args:
      fd: Of something that a sandbox may be writing.
      most: Bytes that it may have.
      too_large: What to say of one that has more.

    Raises:
      RefusedError: it is no plain file under one name, is too large, or changed meanwhile; what came before is void.
    """
    before = _check(fd, most, too_large)
    size = 0
    while chunk := os.pread(fd, CHUNK, size):
        size += len(chunk)
        # One byte more than it said it has is one that is being written.
        if size > before.st_size:
            raise RefusedError("it changed while it was read")
        yield chunk
    after = os.fstat(fd)
    if size != before.st_size or _version(after) != _version(before):
        raise RefusedError("it changed while it was read")


def _check(fd: int, most: int, too_large: str) -> os.stat_result:
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError("it is no plain file")
    if status.st_nlink != 1:
        raise RefusedError("it has another name elsewhere" if status.st_nlink else NO_FILE)
    if status.st_size > most:
        raise RefusedError(too_large)
    return status


def _version(status: os.stat_result) -> tuple[int, int, int, int]:
    """What changes with the bytes. The times are the kernel's: nobody can set back when a file was last changed."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

"""Files out of a folder that a sandbox writes: copied into the spool, through descriptors alone and without trust.

A runner puts the files of a message into `outbox/<message id>/` before it commits the message. The way there goes
through the descriptor of its folder, one component at a time, and follows no link; what is opened is looked at by its
descriptor, never by its name again, so it does not matter what takes the name's place. Nothing here waits, and nothing
is removed or changed in there. A file that is being written, or swapped for another, is refused or is whole.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from attrs import frozen

from nanoclaw.core.attachments import safe_names
from nanoclaw.core.outgoing_files import Unsent, choose, most_bytes, too_large, unsent
from nanoclaw.kit.spool import Spool
from nanoclaw.link.layout import OutDirectory
from nanoclaw.model.files import LedgerFile, Spooled
from schema.files import OUTBOX

CHUNK = 1 << 20

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ITS_DOING = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "there is no such file",
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


@frozen
class Collected:
    """What became of the files of one message."""

    files: tuple[LedgerFile, ...] = ()
    """They are in the spool."""
    unsent: tuple[Unsent, ...] = ()


class _RefusedError(Exception):
    """Carries why a file is not taken."""


def collect(out: OutDirectory, message: str, names: Sequence[str], spool: Spool, *, waiting: int) -> Collected:
    """Copy the files *names* of *message* into *spool*, as far as they are files. Blocks.

    Args:
      out: The folder of the message's epoch.
      message: The runner's id of it, which can be the name of a folder.
      names: As the message has them.
      spool: Where to.
      waiting: Bytes of the session's that wait to be sent already.

    Raises:
      OSError: the host's own trouble, such as a full disk. Nothing stays in the spool then.
    """
    looked_for, refused = choose(names)
    taken: list[tuple[str, Spooled]] = []
    left_out: list[Unsent] = []
    try:
        for name in looked_for:
            most = most_bytes(waiting + sum(file.size for _, file in taken))
            try:
                taken.append((name, take(out, message, name, spool, most=most)))
            except _RefusedError as exc:
                left_out.append(unsent(name, str(exc)))
    except BaseException:
        spool.remove(file.id for _, file in taken)
        raise
    files = tuple(
        LedgerFile(name=name, size=file.size, digest=file.digest, spool_id=file.id)
        for name, (_, file) in zip(safe_names(name for name, _ in taken), taken, strict=True)
    )
    return Collected(files, (*left_out, *refused))


def take(out: OutDirectory, message: str, name: str, spool: Spool, *, most: int) -> Spooled:
    """Copy one file. Raises `_RefusedError` for what is none, `OSError` for the host's own troubles."""
    with (
        _opened(OUTBOX, _FOLDER, out.fd) as outbox,
        _opened(message, _FOLDER, outbox) as folder,
        _opened(name, _FILE, folder) as fd,
    ):
        before = _check(fd, most)
        with spool.begin(most=most) as copy:
            while chunk := os.pread(fd, CHUNK, copy.size):
                # One byte more than it said it has is one that is being written.
                if copy.size + len(chunk) > before.st_size:
                    raise _RefusedError("it changed while it was read")
                copy.write(chunk)
            after = os.fstat(fd)
            if copy.size != before.st_size or _version(after) != _version(before):
                raise _RefusedError("it changed while it was read")
            return copy.finish()


@contextmanager
def _opened(name: str, flags: int, parent: int) -> Iterator[int]:
    try:
        fd = os.open(name, flags, dir_fd=parent)
    except OSError as exc:
        if exc.errno not in _ITS_DOING:
            raise
        raise _RefusedError(_ITS_DOING[exc.errno]) from None
    try:
        yield fd
    finally:
        os.close(fd)


def _check(fd: int, most: int) -> os.stat_result:
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise _RefusedError("it is no plain file")
    if status.st_nlink != 1:
        raise _RefusedError("it has another name elsewhere" if status.st_nlink else "there is no such file")
    if status.st_size > most:
        raise _RefusedError(too_large(most))
    return status


def _version(status: os.stat_result) -> tuple[int, int, int, int]:
    """What changes with the bytes. The times are the kernel's: nobody can set back when a file was last changed."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

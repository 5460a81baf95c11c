"""Sees SQLite commits in a directory through Linux's inotify. No Trio: both programs use it.

A commit under `journal_mode=DELETE` shows as exactly one IN_DELETE, of the
journal, in the file's directory. No other event is watched: opening and
reading raise events too, and a watcher that reads would wake itself for ever.

The runner imports this at cold start, so nothing here is imported that it
does not need before its first wait.
"""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from pathlib import Path
    from typing import Final

IN_DELETE = 0x0000_0200
IN_Q_OVERFLOW = 0x0000_4000
IN_ONLYDIR = 0x0100_0000

READ_SIZE = 65536
LONGEST_DRAIN = 16
"""Reads in one `drain`: whoever deletes files faster than we read must not hold us for ever."""

_HEADER = struct.Struct("iIII")  # watch descriptor, mask, cookie, length of the name that follows


class Overflow:
    """The kernel dropped events: anything may have changed, so look at everything."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Its name."""
        return "OVERFLOW"


OVERFLOW: Final = Overflow()


class CommitWatch:
    """One inotify instance. Not thread-safe; close it when done.

    The kernel allows each user 128 instances: make one for a process, not one
    for a directory.

    Raises:
      OSError: there is no inotify here, or no instance left.
    """

    __slots__ = ("_libc", "fd")

    fd: int
    """Readable when there is something to drain; never blocks. -1 once closed."""
    _libc: ctypes.CDLL

    def __init__(self) -> None:
        """Open the instance."""
        import ctypes
        import errno

        self.fd = -1
        self._libc = ctypes.CDLL(None, use_errno=True)
        try:
            init = self._libc.inotify_init1
        except AttributeError:
            raise OSError(errno.ENOSYS, "this system has no inotify") from None
        self.fd = self._checked(init(os.O_CLOEXEC | os.O_NONBLOCK))

    def add(self, path: str | Path) -> int:
        """Watch the directory *path*; returns its watch descriptor.

        A directory watched already keeps the descriptor it has.

        Raises:
          OSError: it is no directory, or no watch is left (ENOSPC).
        """
        import ctypes

        name = os.fsencode(path)
        mask = ctypes.c_uint32(IN_DELETE | IN_ONLYDIR)
        return self._checked(self._libc.inotify_add_watch(self.fd, name, mask), path)

    def remove(self, wd: int) -> None:
        """Stop watching. One that is gone already, with its directory, is fine.

        Events from before may still come out of `drain`.
        """
        import errno

        try:
            self._checked(self._libc.inotify_rm_watch(self.fd, wd))
        except OSError as exc:
            if exc.errno != errno.EINVAL:
                raise

    def drain(self) -> frozenset[int] | Overflow:
        """Take what is pending, without waiting.

        Returns:
          The watch descriptors that saw a deletion, none if there was none;
          or OVERFLOW.
        """
        seen: set[int] = set()
        overflow = False
        for _ in range(LONGEST_DRAIN):
            try:
                events = os.read(self.fd, READ_SIZE)
            except BlockingIOError:
                break
            at = 0
            while at < len(events):
                wd, mask, _cookie, length = _HEADER.unpack_from(events, at)
                at += _HEADER.size + length
                if mask & IN_DELETE:
                    seen.add(wd)
                overflow = overflow or bool(mask & IN_Q_OVERFLOW)
        return OVERFLOW if overflow else frozenset(seen)

    def close(self) -> None:
        """Close the instance and with it every watch. May be repeated."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    @staticmethod
    def _checked(result: int, path: str | Path | None = None) -> int:
        import ctypes

        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), None if path is None else str(path))
        return result

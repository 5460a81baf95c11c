"""The host's own copies of files that travel with messages: written whole or not at all, under names it made up.

A file is written under a name that says it is unfinished, synced, and renamed; so whatever has a finished name is
whole, also after a power cut. Everything here blocks: call it in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import define, field, frozen

from nanoclaw.kit.ids import mint
from nanoclaw.model.files import Spooled
from nanoclaw.model.ids import SpoolId
from schema.files import MOST_FILE_BYTES

UNFINISHED = ".part"
MODE = 0o444
"""Nobody changes a file of the spool. Others can read it where it is linked to; into the spool itself nobody gets."""


class FileTooLargeError(ValueError):
    """A file has more bytes than it may; `str()` says how many that are."""


@frozen
class Spool:
    """A folder of such files, which only this user can enter."""

    folder: Path

    def begin(self, *, most: int = MOST_FILE_BYTES) -> Writing:
        """Begin a file of at most *most* bytes. Raises `OSError`."""
        name = mint("file")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self.folder / f"{name}{UNFINISHED}", flags, 0o600)
        return Writing(self.folder, SpoolId(name), fd, most)

    def path(self, file: SpoolId) -> Path:
        """Where a finished file lies."""
        return self.folder / file

    def remove(self, files: Iterable[SpoolId]) -> None:
        """Remove *files*; one that is gone already is none the less gone."""
        for file in files:
            self.path(file).unlink(missing_ok=True)

    def sweep(self, known: Collection[str], *, unchanged_for: float = 0.0) -> list[str]:
        """Remove what is none of the *known* files and was not written to for so many seconds; returns the names."""
        before = time.time() - unchanged_for
        removed = []
        for entry in os.scandir(self.folder):
            with contextlib.suppress(FileNotFoundError):
                if entry.name not in known and entry.stat(follow_symlinks=False).st_mtime <= before:
                    Path(entry).unlink()
                    removed.append(entry.name)
        return removed


@define(eq=False)
class Writing:
    """A file that is being written. Left without `finish`, as a `with` or by `discard`, nothing remains of it."""

    _folder: Path
    _id: SpoolId
    _fd: int
    _most: int
    size: int = field(default=0, init=False)
    """Bytes so far."""
    _digest: hashlib._Hash = field(factory=hashlib.sha256, init=False)

    def write(self, data: bytes) -> None:
        """Add *data*.

        Raises:
          FileTooLargeError: that would be more than the file may have. Nothing of it was written.
          OSError: the disk would not.
        """
        if self.size + len(data) > self._most:
            raise FileTooLargeError(f"more than {self._most} bytes")
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._fd, rest) :]
        self._digest.update(data)
        self.size += len(data)

    def finish(self) -> Spooled:
        """The file is whole: it survives a power cut from now on. Raises `OSError`, and nothing remains then."""
        try:
            os.fchmod(self._fd, MODE)
            os.fsync(self._fd)
            self._unfinished.rename(self._folder / self._id)
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except BaseException:
            self.discard()
            (self._folder / self._id).unlink(missing_ok=True)
            raise
        self._close()
        return Spooled(id=self._id, size=self.size, digest=self._digest.hexdigest())

    def discard(self) -> None:
        """Forget the file, unless it is finished. May be repeated."""
        if self._close():
            self._unfinished.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.discard()

    @property
    def _unfinished(self) -> Path:
        return self._folder / f"{self._id}{UNFINISHED}"

    def _close(self) -> bool:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
        return fd >= 0

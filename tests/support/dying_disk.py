"""SQLite on the real disk, until the writer dies: from one chosen change on, nothing of its file changes any more.

What a process leaves that is killed, hot journal and all, without a process: the next one opens the same file.
"""

from __future__ import annotations

import itertools

import apsw

SYSTEM = "unix"
_numbers = itertools.count()


class DyingDisk(apsw.VFS):
    """The system's disk under `name`. At change number *at*, counted from 1, whoever writes dies; 0 is never."""

    def __init__(self, at: int) -> None:
        self.name = f"dying-disk-{next(_numbers)}"
        self.left = at
        self.dead = False
        self.changes = 0
        super().__init__(self.name, SYSTEM)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's
        """Open a file whose changes count."""
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's
        """Delete a file; this is how a commit becomes one."""
        self.count()
        super().xDelete(filename, syncdir)

    def count(self) -> None:
        """One change more."""
        self.changes += 1
        self.left -= 1
        self.dead = self.dead or self.left == 0
        if self.dead:
            raise apsw.IOError("the writer is dead")


class _File(apsw.VFSFile):
    def __init__(self, disk: DyingDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        super().__init__(SYSTEM, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's
        self._disk.count()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's
        # Counted, and not waited for: a process that dies takes nothing from the system with it.
        self._disk.count()

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's
        self._disk.count()
        super().xTruncate(newsize)

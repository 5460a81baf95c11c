"""The real runner, killed at one chosen write, sync, truncation or deletion of its outbox.

Started like the runner, with the number of the fatal operation as first argument.
"""

from __future__ import annotations

import os
import signal
import sys

import apsw

from runner.__main__ import main as run

SYSTEM = "unix"
_left = 0


def _count() -> None:
    global _left  # noqa: PLW0603 - the count of a process that lives for one death
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


class DyingVFS(apsw.VFS):
    """The system's disk, until the count is over."""

    def __init__(self) -> None:
        super().__init__("dying", SYSTEM, makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's
        """Open a file; those of the outbox count."""
        plain = name.filename() if isinstance(name, apsw.URIFilename) else name
        if plain and "/outbound.db" in plain:
            return DyingFile(SYSTEM, name, flags)
        return apsw.VFSFile(SYSTEM, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's
        """Delete a file; this is how a commit becomes one."""
        if "/outbound.db" in filename:
            _count()
        super().xDelete(filename, syncdir)


class DyingFile(apsw.VFSFile):
    """A file whose every change counts."""

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's
        """Write."""
        _count()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's
        """Sync."""
        _count()
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's
        """Truncate."""
        _count()
        super().xTruncate(newsize)


def main() -> int:
    """Be a runner for as long as the count lasts."""
    global _left  # noqa: PLW0603 - see above
    _left = int(sys.argv.pop(1))
    vfs = DyingVFS()  # registered for as long as it is referred to
    code = run()
    del vfs
    return code

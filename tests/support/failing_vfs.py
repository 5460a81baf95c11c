"""The real disk, where some files do not sync when told so: for tests with threads, readers and shared memory."""

from __future__ import annotations

import itertools

import apsw

_numbers = itertools.count()


class FailingVfs(apsw.VFS):
    """SQLite's own way to the disk, registered under `name`."""

    def __init__(self) -> None:
        self.name = f"failing-{next(_numbers)}"
        self.failing: set[str] = set()
        """The ends of the names of the files that cannot be synced."""
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's
        return _File(self, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, vfs: FailingVfs, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._vfs = vfs
        self._name = str(name.filename() if isinstance(name, apsw.URIFilename) else name)
        super().__init__("", name, flags)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self._name.endswith(tuple(self._vfs.failing)):
            raise apsw.IOError("the disk does not sync")
        super().xSync(flags)

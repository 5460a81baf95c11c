"""A disk for SQLite that is two files in memory and nothing else: a database and its journal.

No method reaches the operating system: the VFS is made without a base, so what is not written down here does not
exist. A journal can therefore name any file it likes; the name is noted in `strangers` and answered with "not there".
The names below are the only ones that SQLite asks for unless bytes of the journal tell it to.
"""
# ruff: noqa: N802  # the methods' names are SQLite's

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import apsw

if TYPE_CHECKING:
    from typing import TypeAlias

    Buffer: TypeAlias = bytes | bytearray | memoryview

DATABASE = "outbound.db"
JOURNAL = f"{DATABASE}-journal"
WAL = f"{DATABASE}-wal"
MOST_BYTES = 64 << 20
"""Neither file grows beyond this, whatever size a journal says the database once had."""


class MemoryVfs(apsw.VFS):
    """The two files. Registered with SQLite under *name* for as long as the object lives.

    One connection at a time: `load` replaces what it has seen.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, base=None)
        self.name = name
        self._files: dict[str, _Content] = {}
        self.strangers: list[str] = []
        """Names asked for that are none of ours, in order, each cut to 200 characters."""

    def load(self, database: bytes, journal: bytes | None) -> None:
        """Hold these two files, and forget those before."""
        # A connection that has the database open goes on with what is there now.
        self._files = {DATABASE: self._files.get(DATABASE) or _Content(b"")}
        self._files[DATABASE].data = database
        if journal is not None:
            self._files[JOURNAL] = _Content(journal)
        self.strangers = []

    @property
    def database(self) -> bytes | bytearray:
        """The database as it is now: rolled back, once SQLite has looked at a hot journal."""
        return self._files[DATABASE].data

    @property
    def journal(self) -> bytes | bytearray | None:
        """The journal as it is now; None once SQLite is done with it."""
        content = self._files.get(JOURNAL)
        return None if content is None else content.data

    def xFullPathname(self, name: str) -> str:
        """Every name is whole already."""
        return name

    def xAccess(self, pathname: str, flags: int) -> bool:
        """Is there such a file?"""
        return self._knows(pathname) and pathname in self._files

    def xDelete(self, filename: str, syncdir: bool) -> None:
        """Forget a file of ours."""
        if not self._knows(filename) or self._files.pop(filename, None) is None:
            raise apsw.IOError("not there")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        """Open a file of ours. There are no temporary files, and none is ever made."""
        text = name.filename() if isinstance(name, apsw.URIFilename) else name or "a temporary file"
        content = self._files.get(text) if self._knows(text) else None
        if content is None:
            raise apsw.CantOpenError("not there")
        flags[1] = flags[0]
        # apsw takes any object with the methods; one that is not a VFSFile also has no shared memory, so no WAL.
        return cast("apsw.VFSFile", _File(content))

    def xGetLastError(self) -> tuple[int, str | None]:
        """Nothing here has errors beyond its answers."""
        return 0, None

    def xSleep(self, microseconds: int) -> int:
        """There is nobody to wait for."""
        return microseconds

    def _knows(self, name: str) -> bool:
        known = name in {DATABASE, JOURNAL, WAL}
        if not known:
            self.strangers.append(name[:200])
        return known


class _Content:
    """A file's bytes: copied when first written, as most never are."""

    def __init__(self, data: bytes) -> None:
        self.data: bytes | bytearray = data

    def writable(self) -> bytearray:
        if not isinstance(self.data, bytearray):
            self.data = bytearray(self.data)
        return self.data


class _File:
    """An open file. Nobody else has it open, so locks are always granted."""

    def __init__(self, content: _Content) -> None:
        self._content = content

    def xRead(self, amount: int, offset: int) -> bytes | bytearray:
        return self._content.data[offset : offset + amount]

    def xWrite(self, data: Buffer, offset: int) -> None:
        end = offset + len(data)
        if end > MOST_BYTES:
            raise apsw.FullError("larger than a database may be")
        file = self._content.writable()
        if len(file) < end:
            file.extend(bytes(end - len(file)))
        file[offset:end] = data

    def xTruncate(self, newsize: int) -> None:
        del self._content.writable()[newsize:]

    def xFileSize(self) -> int:
        return len(self._content.data)

    def xSync(self, flags: int) -> None:
        """Memory is where it stays."""

    def xLock(self, level: int) -> None:
        """Granted."""

    def xUnlock(self, level: int) -> None:
        """Granted."""

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return 512

    def xDeviceCharacteristics(self) -> int:
        return 0

    def xClose(self) -> None:
        """Nothing is held."""

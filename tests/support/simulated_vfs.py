"""SQLite on a simulated disk: an apsw VFS that behaves as SQLite's own for Unix does, on `SimulatedDisk`.

It has no shared memory, so a WAL database on it has one connection, with `exclusive=True`.
"""

from __future__ import annotations

import itertools
import random
from typing import cast

import apsw

from tests.support.simulated_disk import DiskFaultError, Fault, Inode, SimulatedDisk, Touch

SYNC_FOLDER_WITH = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_SUPER_JOURNAL
"""The first sync of such a file syncs its folder too, if it was opened so that it might be made."""
IO_CODES = {
    Touch.READ: apsw.SQLITE_IOERR_READ,
    Touch.WRITE: apsw.SQLITE_IOERR_WRITE,
    Touch.TRUNCATE: apsw.SQLITE_IOERR_TRUNCATE,
    Touch.SYNC: apsw.SQLITE_IOERR_FSYNC,
    Touch.SYNC_FOLDER: apsw.SQLITE_IOERR_DIR_FSYNC,
    Touch.SIZE: apsw.SQLITE_IOERR_FSTAT,
    Touch.DELETE: apsw.SQLITE_IOERR_DELETE,
}
UNIX_SECTOR = 4096
"""What SQLite's own VFS says of every disk."""
UNIX_MOST_BYTES = 0x1FFFF
_numbers = itertools.count()


class SimulatedVfs(apsw.VFS):
    """Registered under `name` for as long as it lives. `disk` may be exchanged while no file is open."""

    def __init__(self, disk: SimulatedDisk) -> None:
        self.disk = disk
        self.locks: dict[Inode, dict[SimulatedFile, int]] = {}
        self.name = f"simulated-{next(_numbers)}"
        self._chance = random.Random(0)
        super().__init__(self.name, "")

    def boot(self, disk: SimulatedDisk) -> None:
        """Go on with *disk*, and with the same "random" numbers as at the first boot."""
        self.disk = disk
        self.locks.clear()
        self._chance = random.Random(0)

    def xFullPathname(self, name: str) -> str:  # noqa: N802  # SQLite's name, as all below
        return name

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802
        return self.disk.exists(pathname)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        with AS_SQLITE_ERROR:
            if not self.disk.delete(filename, durably=syncdir):
                raise _io_error(apsw.SQLITE_IOERR_DELETE_NOENT, filename)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        assert name is not None, "a temporary file would be on another disk"
        path = name if isinstance(name, str) else name.filename()
        with AS_SQLITE_ERROR:
            inode = self.disk.open(path, create=bool(flags[0] & apsw.SQLITE_OPEN_CREATE))
        if inode is None:
            raise apsw.CantOpenError(path)
        flags[1] = flags[0]
        syncs_folder = bool(flags[0] & apsw.SQLITE_OPEN_CREATE and flags[0] & SYNC_FOLDER_WITH)
        file = SimulatedFile(self, path, inode, syncs_folder=syncs_folder)
        return cast("apsw.VFSFile", file)  # apsw wants the methods, not the base class

    def xRandomness(self, numbytes: int) -> bytes:  # noqa: N802
        return self._chance.randbytes(numbytes)


class SimulatedFile:
    """An open file, as apsw wants it."""

    def __init__(self, vfs: SimulatedVfs, path: str, inode: Inode, *, syncs_folder: bool) -> None:
        self._vfs = vfs
        self._path = path
        self._inode = inode
        self._syncs_folder = syncs_folder

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        with AS_SQLITE_ERROR:
            return self._disk.read(self._path, self._inode, amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        assert len(data) <= UNIX_MOST_BYTES, "SQLite's own VFS would write only a part"
        with AS_SQLITE_ERROR:
            self._disk.write(self._path, self._inode, bytes(data), offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        with AS_SQLITE_ERROR:
            self._disk.truncate(self._path, self._inode, newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        with AS_SQLITE_ERROR:
            self._disk.sync(self._path, self._inode)
            if self._syncs_folder:
                self._disk.sync_folder(self._path)
                self._syncs_folder = False

    def xFileSize(self) -> int:  # noqa: N802
        with AS_SQLITE_ERROR:
            return self._disk.size(self._path, self._inode)

    def xLock(self, level: int) -> None:  # noqa: N802
        others = [held for file, held in self._locks.items() if file is not self]
        highest = max(others, default=apsw.SQLITE_LOCK_NONE)
        match level:
            case apsw.SQLITE_LOCK_SHARED:
                free = highest < apsw.SQLITE_LOCK_PENDING
            case apsw.SQLITE_LOCK_RESERVED:
                free = highest < apsw.SQLITE_LOCK_RESERVED
            case _:
                free = highest == apsw.SQLITE_LOCK_NONE
                if highest == apsw.SQLITE_LOCK_SHARED:
                    # Readers may finish, none may begin.
                    self._locks[self] = apsw.SQLITE_LOCK_PENDING
        if not free:
            raise apsw.BusyError(self._path)
        self._locks[self] = max(level, self._locks.get(self, level))

    def xUnlock(self, level: int) -> None:  # noqa: N802
        self._locks[self] = level

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return any(held >= apsw.SQLITE_LOCK_RESERVED for held in self._locks.values())

    def xFileControl(self, op: int, ptr: int) -> bool:  # noqa: N802
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        return UNIX_SECTOR

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def xClose(self) -> None:  # noqa: N802
        self._locks.pop(self, None)

    @property
    def _disk(self) -> SimulatedDisk:
        return self._vfs.disk

    @property
    def _locks(self) -> dict[SimulatedFile, int]:
        return self._vfs.locks.setdefault(self._inode, {})


class _AsSqliteError:
    """Raise what SQLite's own VFS for Unix makes of a failed system call. A class: it is entered very often."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> None:
        if not isinstance(exc, DiskFaultError):
            return
        if exc.touch in {Touch.OPEN, Touch.CREATE}:
            raise apsw.CantOpenError(str(exc)) from exc
        if exc.fault is Fault.NO_SPACE:
            raise apsw.FullError(str(exc)) from exc
        raise _io_error(IO_CODES[exc.touch], str(exc)) from exc


AS_SQLITE_ERROR = _AsSqliteError()


def _io_error(code: int, text: str) -> apsw.IOError:
    error = apsw.IOError(text)
    error.extendedresult = code  # type: ignore[attr-defined]  # apsw reads it, its stub does not know it
    return error

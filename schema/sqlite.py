"""SQLite as this project uses it: open, query, one transaction. The only door to apsw besides link/memory_vfs.

A query is a plain function whose first argument is a `Connection`. It runs as it is in the host's threads, in the
runner and in tests on ":memory:". This file imports apsw and nothing else that is slow: the runner's first look at
its inbox must not wait for more.
"""

from __future__ import annotations

from enum import Enum

import apsw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import TypeAlias

Connection: TypeAlias = apsw.Connection
Value: TypeAlias = int | float | str | bytes | None
Row: TypeAlias = dict[str, Value]
Bindings: TypeAlias = "Mapping[str, Value] | Sequence[Value]"

SqliteError = apsw.Error
"""Whatever SQLite refuses; the base of those below."""
BusyError = apsw.BusyError
ReadOnlyError = apsw.ReadOnlyError
"""Something has to be written that may not be: for who only reads, to undo what a writer died in the middle of."""
ConstraintError = apsw.ConstraintError
DiskFullError = apsw.FullError
DiskError = apsw.IOError
CorruptError = apsw.CorruptError
NotADatabaseError = apsw.NotADBError

OLDEST = (3, 53, 4)
"""Older versions can be made to delete files by a crafted journal (SQLite check-ins 9471fa2c9c, bf70dadc2d)."""

BUSY_TIMEOUT_MS = 2_000
IN_MEMORY = ":memory:"
_REWRITE_BYTES = 1 << 16  # SQLite's own VFS takes less than 128 KiB at a time


class Journal(Enum):
    """How commits become durable. The value is SQLite's own name."""

    WAL = "wal"  # one machine, many readers: the central database
    DELETE = "delete"  # crosses a sandbox's mount, where WAL's shared memory does not


class Synchronous(Enum):
    """How hard a commit waits for the disk. The value is SQLite's own name."""

    FULL = "full"  # every acknowledged commit survives power loss
    OFF = "off"  # for files that can be rebuilt


class OldSqliteError(Exception):
    """The SQLite that apsw brings is older than is safe."""

    def __init__(self, found: str) -> None:
        oldest = ".".join(map(str, OLDEST))
        super().__init__(f"SQLite {found} is too old, {oldest} is needed: run `make setup` again")


def require_recent_sqlite(found: str | None = None) -> None:
    """Refuse a SQLite with known holes before any file is opened.

    Raises:
      OldSqliteError: *found* (default: the version apsw brings) is older than `OLDEST`.
    """
    version = found or apsw.sqlite_lib_version()
    if tuple(int(part) for part in version.split(".")[:3]) < OLDEST:
        raise OldSqliteError(version)


def open_read_write(
    path: str | Path, journal: Journal, synchronous: Synchronous, *, vfs: str | None = None
) -> Connection:
    """Open *path* for writing, made if missing, with this project's settings."""
    conn = connect(path, vfs=vfs)
    set_durability(conn, journal, synchronous)
    return conn


def connect(path: str | Path, *, vfs: str | None = None, exclusive: bool = False) -> Connection:
    """The first half of `open_read_write`: nothing is written yet, so the caller can look at what is there.

    *exclusive* keeps every other connection out for good. WAL then needs no shared memory, which no VFS written in
    Python can offer.
    """
    conn = apsw.Connection(str(path), vfs=vfs)
    conn.transaction_mode = "IMMEDIATE"
    _prepare(conn)
    if exclusive:
        conn.pragma("locking_mode", "exclusive")
    return conn


def set_durability(conn: Connection, journal: Journal, synchronous: Synchronous) -> None:
    """The second half of `open_read_write`. Raises `SqliteError` where the file cannot have that journal."""
    mode = conn.pragma("journal_mode", journal.value)
    # A database in memory has no other mode than its own, and needs none.
    if mode not in {journal.value, "memory"}:
        raise SqliteError(f"the journal is {mode!r} and cannot be {journal.value!r}")
    conn.pragma("synchronous", synchronous.value)


def open_read_only(path: str | Path, *, vfs: str | None = None) -> Connection:
    """Open an existing *path* for reading only. Raises `SqliteError` if it is not there."""
    conn = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, vfs=vfs)
    _prepare(conn)
    return conn


def open_foreign(path: str | Path) -> Connection:
    """Open an existing *path* that another program wrote: its tables can be read, and nothing in it can be run.

    Writable, or a log beside it could not be read; statements cannot write all the same. Raises `SqliteError` if it is
    not there.
    """
    conn = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    conn.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    conn.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    conn.config(apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0)
    conn.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
    conn.pragma("query_only", 1)
    return conn


def copy_into(conn: Connection, path: Path) -> None:
    """Write all that *conn* sees, of one moment, into a new file at *path*."""
    target = apsw.Connection(str(path))
    try:
        with target.backup("main", conn, "main") as backup:
            while not backup.done:
                backup.step(1000)
    finally:
        target.close()


def _prepare(conn: Connection) -> None:
    # First of all the time-out: every later statement may meet the other side's lock.
    conn.set_busy_timeout(BUSY_TIMEOUT_MS)
    conn.config(apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 1)
    conn.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)  # or many a statement is compiled anew for every bound value
    # A misspelt column in double quotes must be an error, not a string.
    conn.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    conn.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)


def transaction(conn: Connection) -> AbstractContextManager[object]:
    """Commit when the block ends, roll back when it raises. Nested ones are savepoints.

    apsw's own `with conn` does not let other threads run while it commits: a commit that waits for a disk, or for a
    lock that a sandbox holds, would have the whole process wait.
    """
    return _Transaction(conn)


class _Transaction:
    """What `transaction` returns. No `contextlib`, which a runner's first look would wait for."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._nested = False

    def __enter__(self) -> None:
        self._nested = self._conn.in_transaction
        execute(self._conn, "SAVEPOINT nested" if self._nested else f"BEGIN {self._conn.transaction_mode}")

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                execute(self._conn, "RELEASE nested" if self._nested else "COMMIT")
                return
        except BaseException:
            self._undo()
            raise
        self._undo()

    def _undo(self) -> None:
        # After some errors SQLite has rolled all of it back by itself.
        if self._conn.in_transaction:
            execute(self._conn, "ROLLBACK TO nested; RELEASE nested" if self._nested else "ROLLBACK")


def execute(conn: Connection, sql: str, bindings: Bindings | None = None) -> int:
    """Run statements whose rows, if any, nobody wants; returns how many rows were changed."""
    for _ in conn.execute(sql, bindings):
        pass
    return conn.changes()


def fetch(conn: Connection, sql: str, bindings: Bindings | None = None) -> list[Row]:
    """Run one statement; all its rows, by column name. The cursor is drained: it holds no lock."""
    names, rows = fetch_plain(conn, sql, bindings)
    return [dict(zip(names, row, strict=True)) for row in rows]


def fetch_plain(
    conn: Connection, sql: str, bindings: Bindings | None = None
) -> tuple[tuple[str, ...], list[tuple[Value, ...]]]:
    """The columns' names and the rows of `fetch`; no names where there is no row."""
    cursor = conn.cursor()
    names: tuple[str, ...] = ()
    rows: list[tuple[Value, ...]] = []
    for row in cursor.execute(sql, bindings):
        if not rows:
            # Most questions find nothing, and then nobody wants to know.
            names = tuple(column[0] for column in cursor.get_description())
        rows.append(row)
    return names, rows


def fetch_one(conn: Connection, sql: str, bindings: Bindings | None = None) -> Row | None:
    """The first row of `fetch`, or None."""
    rows = fetch(conn, sql, bindings)
    return rows[0] if rows else None


def scalar(conn: Connection, sql: str, bindings: Bindings | None = None) -> Value:
    """The first column of the first row, or None."""
    rows = list(conn.execute(sql, bindings))
    value: Value = rows[0][0] if rows else None
    return value


def integer(conn: Connection, sql: str, bindings: Bindings | None = None) -> int:
    """`scalar` for a query that always yields a whole number, such as a count."""
    value = scalar(conn, sql, bindings)
    if not isinstance(value, int):
        raise TypeError(f"not a whole number: {value!r} from {sql!r}")
    return value


def data_version(conn: Connection) -> int:
    """A number that changes when somebody else commits.

    By the pragma: the file control of the same name was seen not to change until something read.
    """
    return integer(conn, "PRAGMA data_version")


def checkpoint(conn: Connection) -> None:
    """Move what can be moved from the write-ahead log into the database file. Waits for no reader."""
    conn.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)


def keep_wal_on_close(conn: Connection) -> None:
    """Closing *conn* shall write nothing, not even what is in the write-ahead log."""
    conn.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)


def rewrite_wal(conn: Connection) -> int:
    """Write the write-ahead log of *conn* once more, each byte where it is, and sync it; its size in bytes.

    After a failed sync the system may show bytes that are not on the disk and that no later sync will bring there.
    Written again, they are dirty again. *conn* holds the write lock: nobody else may write there meanwhile.
    """
    if not conn.filename:
        return 0
    flags = [apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_READWRITE, 0]
    try:
        wal = apsw.VFSFile(conn.open_vfs, conn.filename_wal, flags)
    except apsw.CantOpenError:
        return 0
    try:
        size = wal.xFileSize()
        for offset in range(0, size, _REWRITE_BYTES):
            wal.xWrite(wal.xRead(min(_REWRITE_BYTES, size - offset), offset), offset)
        wal.xSync(apsw.SQLITE_SYNC_FULL)
    finally:
        wal.xClose()
    return size


def serialize(build: Callable[[Connection], object]) -> bytes:
    """The bytes of a new database file as *build* makes it."""
    conn = apsw.Connection(":memory:")
    try:
        build(conn)
        return conn.serialize("main")
    finally:
        conn.close()


class snapshot:  # noqa: N801 - used like a function, as contextlib would have it
    """Let every statement of the block see one state of the file, however much is committed meanwhile."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def __enter__(self) -> None:
        execute(self._conn, "BEGIN DEFERRED")

    def __exit__(self, *_: object) -> None:
        if self._conn.in_transaction:  # some errors, such as an interrupt, have ended it already
            execute(self._conn, "ROLLBACK")

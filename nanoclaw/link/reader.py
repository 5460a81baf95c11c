"""What the worker does with the bytes of an outbox: checks the file, then reads its rows one value at a time.

`read_file` never raises for anything a file can hold. A file that is not one an honest runner writes is quarantined
as a whole; in a file that is, a row that is not one is a bad row and the next is read.

Two kinds of damage are told apart by `quick_check`, which looks at every page before it looks at any row. Damaged
pages quarantine the file. Values that a STRICT table would not have taken (NULL as an id, a blob as text, a number
that its CHECK refuses) do not: only somebody who edits the schema can write them, but each is one row's own matter,
and rows are read with their types here, in order of the table itself. Indexes are never used, so they may lie.

To compile the statements takes longer than to run them, so a connection that has read a clean file reads the next one,
with nothing of the file before in its cache. After any other it is closed: what it has seen may have changed it.
"""

from __future__ import annotations

from functools import cache

from attrs import define, field

from nanoclaw.link.fields import printable
from nanoclaw.link.hardened import MOST_FILE_BYTES, forget_file, open_hardened, start_clock
from nanoclaw.link.memory_vfs import MemoryVfs
from nanoclaw.link.tables import READABLE, TooMuchError, read_tables
from schema import LINK_VERSION
from schema.files import outbound_ddl
from schema.sqlite import Connection, SqliteError, execute, scalar

MAGIC = b"SQLite format 3\0"
SMALLEST_PAGE = 512
LARGEST_PAGE = 65_536


class _RefusedError(Exception):
    """The file as a whole is not an honest runner's."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def read_file(database: bytes, journal: bytes | None, after: int) -> dict[str, object]:
    """Read the rows of messages_out after rowid *after*, and all of the other tables.

    Returns what `answer.decode` takes, as plain JSON values: the rows, or `{"quarantine": …}`. Blocks for at most
    `hardened.CPU_SECONDS` of processor time in SQLite, and about that again for the JSON in the rows.
    """
    try:
        return _desk().read(database, journal, after)
    except _RefusedError as exc:
        return _quarantine(exc.reason, exc.detail)
    except TooMuchError as exc:
        return _quarantine("too-much", str(exc))
    except (SqliteError, MemoryError, UnicodeDecodeError) as exc:
        # The message may quote the file, and may not even be text; the type is SQLite's own word.
        return _quarantine("unreadable", f"SQLite gave up: {type(exc).__name__} {getattr(exc, 'extendedresult', '')}")


def _quarantine(reason: str, detail: str) -> dict[str, object]:
    return {"quarantine": {"reason": reason, "detail": printable(detail)}}


@define(eq=False)
class _Desk:
    """Where one file after the other is read."""

    _vfs: MemoryVfs
    _conn: Connection | None = field(default=None, init=False)

    def read(self, database: bytes, journal: bytes | None, after: int) -> dict[str, object]:
        """As `read_file`. Raises `_RefusedError`, `TooMuchError` and what else stands there."""
        # SQLite would take a file in WAL mode for one whose shared memory it has to find.
        _check_header(database)
        self._vfs.load(database, journal)
        kept, self._conn = self._conn, None
        try:
            return self._read(kept, after)
        finally:
            self._vfs.load(b"", None)

    def _read(self, kept: Connection | None, after: int) -> dict[str, object]:
        """Read what is loaded with *kept*, which has read another file, or with a new connection."""
        conn = self._renewed(kept)
        try:
            as_made = _check_schema(conn)
            if kept is not None and not as_made:
                return self._read(None, after)
            # Rolled back by now, if there was anything to roll back: the header is the one of the last commit.
            _check_header(self._vfs.database)
            _check_size(self._vfs.database)
            if self._vfs.strangers:
                raise _RefusedError("strange-name", "its journal names another file")
            _check_pages(conn)
            answer = read_tables(conn, after)
            self._conn = conn if as_made else None
            return answer
        finally:
            if self._conn is not conn:
                conn.close()

    def _renewed(self, kept: Connection | None) -> Connection:
        if kept is None:
            return open_hardened(self._vfs, READABLE)
        try:
            forget_file(kept)
        except SqliteError:
            kept.close()
            raise
        start_clock(kept)
        return kept


@cache
def _desk() -> _Desk:
    return _Desk(MemoryVfs("nanoclaw-customs"))


def _check_header(file: bytes | bytearray) -> None:
    if len(file) < SMALLEST_PAGE or file[:16] != MAGIC:
        raise _RefusedError("header", "not an SQLite database")
    if file[18] != 1 or file[19] != 1:
        raise _RefusedError("header", "not in rollback-journal mode")
    size = page_size(file)
    if size < SMALLEST_PAGE or size > LARGEST_PAGE or size & (size - 1) or file[20] != 0:
        raise _RefusedError("header", "a page size there is not")
    if int.from_bytes(file[56:60], "big") != 1:
        raise _RefusedError("header", "not in UTF-8")
    if int.from_bytes(file[60:64], "big") != LINK_VERSION:
        raise _RefusedError("header", "of another version of the schema")
    if any(file[52:56]) or any(file[64:68]):
        raise _RefusedError("header", "made for auto-vacuum")


def page_size(file: bytes | bytearray) -> int:
    """The size of a page in bytes, as a database's header has it."""
    stored = int.from_bytes(file[16:18], "big")
    return LARGEST_PAGE if stored == 1 else stored


def _check_size(file: bytes | bytearray) -> None:
    if len(file) % page_size(file) or len(file) > MOST_FILE_BYTES:
        raise _RefusedError("header", "not a whole number of pages")


_SCHEMA_SQL = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY rowid"


@cache
def _expected_schema() -> list[tuple[object, ...]]:
    conn = Connection(":memory:")
    try:
        execute(conn, outbound_ddl())
        return list(conn.execute(_SCHEMA_SQL))
    finally:
        conn.close()


def _check_schema(conn: Connection) -> bool:
    """Row for row what `outbound.sql` makes; so no view, trigger, generated column or virtual table is ever used.

    Says whether its tables begin on the pages where they do in a file of the host's. A connection takes that from the
    file for which it has compiled its statements.
    """
    expected = _expected_schema()
    found = list(conn.execute(f"{_SCHEMA_SQL} LIMIT {len(expected) + 1}"))
    if any(type(root) is not int or root <= 0 for _, _, _, root, _ in found):
        raise _RefusedError("schema", "a table without pages")
    if [_texts(row) for row in found] != [_texts(row) for row in expected]:
        raise _RefusedError("schema", "not the tables that the host made")
    return found == expected


def _texts(row: tuple[object, ...]) -> tuple[object, ...]:
    kind, name, table, _, sql = row
    return kind, name, table, sql


def _check_pages(conn: Connection) -> None:
    found = str(scalar(conn, "PRAGMA quick_check(1)"))
    rows_only = ("NULL value in ", "non-", "NUMERIC value in ", "TEXT value in ", "CHECK constraint failed in ")
    if found != "ok" and not found.startswith(rows_only):
        raise _RefusedError("corrupt", f"quick_check: {found}")

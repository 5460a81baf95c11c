"""A connection on which a hostile file can do little: settings, limits, an authorizer, a clock.

After SQLite's own advice ("Defense Against The Dark Arts"), in the order that matters: everything is in force before
the first byte of the file is read. What a setting keeps out is also kept out by the next one: the schema is compared
before a table is read, the authorizer knows only the columns that `reader` reads, and the worker may be killed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

import apsw

from nanoclaw.link.memory_vfs import DATABASE, MemoryVfs
from schema.sqlite import Connection

CPU_SECONDS = 0.25
"""Processor time for one file. Not wall time: a busy machine must not make an honest file look hostile."""

SETTINGS: Mapping[int, int] = {
    apsw.SQLITE_DBCONFIG_DEFENSIVE: 1,
    apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_VIEW: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE: 0,
    apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA: 0,
    apsw.SQLITE_DBCONFIG_DQS_DML: 0,
    apsw.SQLITE_DBCONFIG_DQS_DDL: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_QPSG: 1,  # as in `schema.sqlite`: nothing is compiled anew for another bound value
}

MOST_FILE_BYTES = 64 << 20
MOST_CELL_BYTES = 1 << 20

LIMITS: Mapping[int, int] = {
    # A stored value cannot be longer than its file; `quick_check` reads them all, the reader none above its own cap.
    apsw.SQLITE_LIMIT_LENGTH: MOST_FILE_BYTES,
    apsw.SQLITE_LIMIT_SQL_LENGTH: 20_000,
    apsw.SQLITE_LIMIT_SCHEMA: 50,
    apsw.SQLITE_LIMIT_COLUMN: 40,
    apsw.SQLITE_LIMIT_EXPR_DEPTH: 20,
    apsw.SQLITE_LIMIT_PARSER_DEPTH: 100,
    apsw.SQLITE_LIMIT_COMPOUND_SELECT: 3,
    apsw.SQLITE_LIMIT_VDBE_OP: 25_000,
    apsw.SQLITE_LIMIT_FUNCTION_ARG: 8,
    apsw.SQLITE_LIMIT_ATTACHED: 0,
    apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 50,
    apsw.SQLITE_LIMIT_VARIABLE_NUMBER: 10,
    apsw.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    apsw.SQLITE_LIMIT_TRIGGER_STEPS: 1,
    apsw.SQLITE_LIMIT_WORKER_THREADS: 0,
}

PRAGMAS: Mapping[str, int] = {
    "cell_size_check": 1,
    "mmap_size": 0,
    "temp_store": 2,  # memory
    "query_only": 1,
}

_STEPS = 1_000
"""Instructions of SQLite's machine between two looks at the clock."""

Columns = Mapping[str, Collection[str]]


def open_hardened(vfs: MemoryVfs, readable: Columns, *, cpu_seconds: float = CPU_SECONDS) -> Connection:
    """Open the database in *vfs*; a hot journal there is rolled back by the first statement.

    In: *readable*, the only columns that a statement may name, by table; *cpu_seconds*, when to give up.
    Nothing of the file has been read when this returns. The clock runs from here.
    """
    # Writable, or SQLite would not roll the journal back; `query_only` and the authorizer keep statements from writing.
    conn = apsw.Connection(DATABASE, flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs.name)
    for setting, wanted in SETTINGS.items():
        conn.config(setting, wanted)
    for limit, most in LIMITS.items():
        conn.limit(limit, most)
    for pragma, value in PRAGMAS.items():
        conn.pragma(pragma, value)
    start_clock(conn, cpu_seconds)
    conn.authorizer = _only_reading(readable)
    return conn


def start_clock(conn: Connection, cpu_seconds: float = CPU_SECONDS) -> None:
    """Let *conn* give up after so much processor time from now on."""
    conn.set_progress_handler(_out_of_time(time.process_time() + cpu_seconds), _STEPS)


def forget_file(conn: Connection) -> None:
    """Have nothing left in the cache of *conn* of the file that was there; what is compiled stays.

    Raises `SqliteError` if something of it is still being read.
    """
    conn.file_control("main", apsw.SQLITE_FCNTL_RESET_CACHE, 0)


def _out_of_time(end: float) -> Callable[[], bool]:
    return lambda: time.process_time() > end


def _only_reading(readable: Columns) -> apsw.Authorizer:
    allowed = {
        (apsw.SQLITE_SELECT, None, None),
        (apsw.SQLITE_FUNCTION, None, "typeof"),
        (apsw.SQLITE_FUNCTION, None, "octet_length"),
        (apsw.SQLITE_PRAGMA, "quick_check", "1"),
        *((apsw.SQLITE_READ, table, column) for table, columns in readable.items() for column in columns),
    }

    def judge(action: int, one: str | None, two: str | None, *_: str | None) -> int:
        return apsw.SQLITE_OK if (action, one, two) in allowed else apsw.SQLITE_DENY

    return judge

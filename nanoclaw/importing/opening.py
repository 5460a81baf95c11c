"""Opening databases of the old home, as copies: nothing of it is touched, and nothing in them is run."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from nanoclaw.errors import UsageError
from schema import sqlite
from schema.sqlite import Connection, Row, SqliteError, fetch, scalar

MOST_BYTES = 4 << 30


@contextmanager
def opened(path: Path, *, with_log: bool = False) -> Iterator[Connection]:
    """A copy of the database at *path* for the length of the block.

    Args:
      path: A file of the old home.
      with_log: Take its WAL along. Only for the host's own file: a log, or a journal, beside a file that an agent could
        write would be run against other files.

    Raises:
      UsageError: it is not there, is no plain file, or is no database.
    """
    with TemporaryDirectory(prefix="nanoclaw-import-") as folder:
        copy = Path(folder, "copy.db")
        _copy(path, copy)
        log = path.with_name(f"{path.name}-wal")
        if with_log and log.exists():
            _copy(log, copy.with_name("copy.db-wal"))
        try:
            conn = sqlite.open_foreign(copy)
            try:
                if scalar(conn, "PRAGMA quick_check(1)") != "ok":
                    raise UsageError(f"{path} is damaged")
                yield conn
            finally:
                conn.close()
        except SqliteError as exc:
            raise UsageError(f"{path} cannot be read: {exc}") from None


def tables(conn: Connection) -> frozenset[str]:
    """The names of its tables."""
    return frozenset(str(row["name"]) for row in fetch(conn, "SELECT name FROM sqlite_schema WHERE type = 'table'"))


def rows(conn: Connection, table: str) -> list[Row]:
    """All rows of *table*, which may have any columns; none if it is not there."""
    if table not in tables(conn):
        return []
    return fetch(conn, f'SELECT * FROM "{table}"')  # noqa: S608 - our own names


def _copy(source: Path, target: Path) -> None:
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        raise UsageError(f"{source} cannot be read: {exc.strerror}") from None
    with os.fdopen(descriptor, "rb") as reader, target.open("wb") as writer:
        found = os.fstat(reader.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            raise UsageError(f"{source} is no plain file of a size that can be read")
        shutil.copyfileobj(reader, writer)

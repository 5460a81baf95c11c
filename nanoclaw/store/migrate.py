"""Bringing nanoclaw.db to the tables this program knows. `user_version` is the number of the last migration applied."""

from __future__ import annotations

from collections.abc import Sequence

from nanoclaw.errors import NewerStoreError, StoreError, StoreFullError
from schema import files
from schema.sqlite import Connection, DiskFullError, SqliteError, execute, fetch, integer, transaction

APPLICATION_ID = int.from_bytes(b"nano", "big")
"""`PRAGMA application_id`: how a database says whose it is (`file` shows it)."""


def migrate(conn: Connection, migrations: Sequence[str] | None = None) -> range:
    """Apply what is missing; each migration and its version commit together, or not at all.

    Args:
      conn: The writing connection, outside any transaction.
      migrations: DDL texts, the first first. Default: those of `schema/central`.

    Returns:
      The numbers of the migrations applied now; empty if there was nothing to do.

    Raises:
      NewerStoreError: The file is newer than *migrations*; nothing was written.
      StoreError: The file is some other database, or a migration does not work (those before it stay).
      StoreFullError: No space; trying later goes on where this stopped.
    """
    texts = files.central_ddl() if migrations is None else migrations
    found = check_origin(conn, known=len(texts))
    applied = range(found + 1, len(texts) + 1)
    if applied:
        # A table that others refer to is changed by replacing it, which works only while nobody watches references.
        # They are checked before each commit instead.
        execute(conn, "PRAGMA foreign_keys = OFF")
        try:
            for number in applied:
                _apply(conn, number, texts[number - 1])
        finally:
            execute(conn, "PRAGMA foreign_keys = ON")
    return applied


def check_origin(conn: Connection, *, known: int) -> int:
    """Look whose file this is, and how old, without writing.

    Returns:
      The number of migrations it has; 0 for a new file.

    Raises:
      StoreError: Some other program's database.
      NewerStoreError: It has more than the *known* migrations.
    """
    application_id = integer(conn, "PRAGMA application_id")
    found = integer(conn, "PRAGMA user_version")
    is_new = application_id == 0 and found == 0 and integer(conn, "SELECT count(*) FROM sqlite_schema") == 0
    if not is_new and (application_id != APPLICATION_ID or found < 1):
        raise StoreError("this is some other program's database: choose another NANOCLAW_HOME, or move the file away")
    if found > known:
        raise NewerStoreError(found=found, known=known)
    return found


def _apply(conn: Connection, number: int, text: str) -> None:
    try:
        with transaction(conn):
            execute(conn, f"PRAGMA application_id = {APPLICATION_ID}")
            execute(conn, text)
            dangling = fetch(conn, "PRAGMA foreign_key_check")
            if dangling:
                raise StoreError(f"migration {number} leaves rows that refer to nothing: {dangling[:3]}")
            execute(conn, f"PRAGMA user_version = {number}")
    except DiskFullError as exc:
        raise StoreFullError(f"there is no space left for migration {number} of nanoclaw.db") from exc
    except SqliteError as exc:
        raise StoreError(f"migration {number} of nanoclaw.db failed: {exc}") from exc

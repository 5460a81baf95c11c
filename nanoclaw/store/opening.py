"""Opening nanoclaw.db for writing: what is looked at, and what is made safe, before the first new write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nanoclaw.errors import StoreError, StoreFullError
from nanoclaw.store.migrate import check_origin, migrate
from nanoclaw.store.writer import Writer
from schema import files, sqlite
from schema.sqlite import Connection, DiskFullError, Journal, SqliteError, Synchronous


def open_writer(
    path: str | Path, *, migrations: Sequence[str] | None = None, vfs: str | None = None, exclusive: bool = False
) -> Writer:
    """Open *path*, made if missing, brought to the tables of today.

    Args:
      migrations: Default: those of `schema/central`.
      vfs: Another way to the disk, for tests.
      exclusive: For a *vfs* without shared memory: no other connection can read.

    Raises:
      StoreError: As `migrate` does; also for a file that is no database or cannot be opened. Nothing is left open.
      OldSqliteError: The library has known holes; nothing was opened.
    """
    sqlite.require_recent_sqlite()
    texts = files.central_ddl() if migrations is None else migrations
    try:
        conn = sqlite.connect(path, vfs=vfs, exclusive=exclusive)
        try:
            _make_ready(conn, texts)
        except BaseException:
            sqlite.keep_wal_on_close(conn)
            conn.close()
            raise
    except DiskFullError as exc:
        raise StoreFullError(f"there is no space left to open {path}") from exc
    except SqliteError as exc:
        raise StoreError(f"{path} cannot be opened: {exc}") from exc
    return Writer(conn)


def _make_ready(conn: Connection, migrations: Sequence[str]) -> None:
    # Before the first write, and setting WAL is one: a file that is not ours stays as it is.
    check_origin(conn, known=len(migrations))
    sqlite.set_durability(conn, Journal.WAL, Synchronous.FULL)
    # Temporary files would be another disk to fill.
    sqlite.execute(conn, "PRAGMA temp_store = MEMORY")
    make_wal_durable(conn)
    migrate(conn, migrations)


def make_wal_durable(conn: Connection) -> None:
    """Make sure that what the last process left in the write-ahead log is on the disk, before more is added to it.

    If the last process ended because a sync failed, SQLite now reads commits from the system's cache that the disk
    never got, and no sync would bring them there: those bytes count as clean. A power cut would then lose them, and
    with them every commit made after.
    """
    sqlite.execute(conn, "BEGIN IMMEDIATE")
    try:
        sqlite.rewrite_wal(conn)
    finally:
        sqlite.execute(conn, "ROLLBACK")

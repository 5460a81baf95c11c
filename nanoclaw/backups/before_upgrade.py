"""The backup that is made before a home's database is brought to the tables of a newer nanoclaw: the way back."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from nanoclaw.backups.making import Made, make
from nanoclaw.core.backup_contents import DATABASE
from nanoclaw.core.backups import moment_of, newest_first
from nanoclaw.errors import StoreError
from nanoclaw.store.migrate import check_origin
from schema import files, sqlite
from schema.sqlite import SqliteError


def back_up_before_upgrade(home: Path, folder: Path, *, now: datetime) -> Made | None:
    """Make a backup in *folder* if the next start changes the tables of *home*. Blocks.

    None: it does not, or the newest backup has all that is there: a start that fails again and again makes one.

    Raises:
      BackupError: it cannot be made; nothing has changed.
      OSError: the disk would not.
    """
    if not is_older(home / DATABASE) or _has_all(folder, home / DATABASE):
        return None
    return make(home, folder, now=now)


def _has_all(folder: Path, database: Path) -> bool:
    """Is there a backup in *folder* that was made after the last change of *database*?"""
    names = newest_first(path.name for path in folder.glob("*")) if folder.is_dir() else ()
    made = moment_of(names[0]) if names else None
    log = database.with_name(f"{database.name}-wal")
    changed = max(path.stat().st_mtime for path in (database, log) if path.exists())
    return made is not None and made.timestamp() > changed


def is_older(database: Path) -> bool:
    """Is there a database of ours with fewer tables than today's? What is wrong with it is for who opens it."""
    if not database.exists():
        return False
    known = len(files.central_ddl())
    try:
        conn = sqlite.open_read_only(database)
        try:
            return 0 < check_origin(conn, known=known) < known
        finally:
            conn.close()
    except (SqliteError, StoreError):
        return False

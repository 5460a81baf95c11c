"""Making a backup of a home, beside a host that runs or without one; and looking whether one is whole.

The truth is copied as of one moment; agents' files as they are when they are read. The spool's files are held on to by
second names before that moment, so that none which the truth speaks of can go meanwhile. Everything here blocks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen

from nanoclaw.backups.archive import ArchiveWriter, Told, read_archive, writing
from nanoclaw.backups.folders import add_tree
from nanoclaw.core.backup_contents import DATABASE, FORMAT, SETTINGS, Contents
from nanoclaw.core.backups import name_of, newest_first, too_many
from nanoclaw.errors import BackupError, StoreError
from nanoclaw.store import files
from nanoclaw.store.entities import known_install_id
from nanoclaw.store.migrate import check_origin
from nanoclaw.store.swapping import sync_folder
from schema import files as tables
from schema import sqlite
from schema.sqlite import Connection, SqliteError, fetch, integer

BACKUPS = "backups"
WORK = ".making"
LOCK = ".lock"
SPOOL = "spool"
PLAIN_FOLDERS = ("groups", "state", "skills")
LEAST_FREE = 256 << 20
"""Bytes of the disk that a backup leaves alone: the house has to go on."""
MOST_TRIES = 5


@frozen(kw_only=True)
class Made:
    """A backup that was made, and read through to its end."""

    path: Path
    size: int
    contents: Contents


def make(home: Path, folder: Path, *, now: datetime, told: Told = lambda _: None) -> Made:
    """Make a backup of *home* in *folder*: whole under its name, or not at all.

    Args:
      home: It may be in use.
      folder: Where the backup is to lie; made if missing, for its owner alone.
      now: What it is called by.
      told: Told of bytes as they are read. What it raises ends the work, and nothing remains of it.

    Raises:
      BackupError: there is nothing to back up, another backup is being made, or the disk is too full.
      OSError: something cannot be read or written.
    """
    if not (home / DATABASE).exists():
        raise BackupError(f"there is no {DATABASE} in {home}: nothing to back up")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name_of(now)
    part = path.with_name(f".{path.name}.part")
    with _alone(home / BACKUPS) as work:
        for left in folder.glob(".nanoclaw-*.part"):
            left.unlink()
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                with writing(file, told) as archive:
                    archive.finish(_fill(archive, home, work, folder, now))
                file.flush()
                os.fsync(descriptor)
            contents = check(part, told)
            part.rename(path)
            sync_folder(folder)
        finally:
            part.unlink(missing_ok=True)
    return Made(path=path, size=path.stat().st_size, contents=contents)


def check(path: Path, told: Told = lambda _: None) -> Contents:
    """Read a backup to its end, with SQLite's own check of its database.

    Raises:
      BackupError: it is not whole, or nothing that this nanoclaw can restore.
      NewerStoreError: a newer nanoclaw made it.
      OSError: it cannot be read.
    """
    with TemporaryDirectory(prefix="nanoclaw-check-", dir=path.parent) as place:
        contents = read_archive(path, Path(place), told)
        require_sound(Path(place, DATABASE), path)
    return contents


def require_sound(database: Path, backup: Path) -> None:
    """Raises `BackupError` if SQLite finds anything wrong with a backup's *database*, or it is none of ours."""
    try:
        conn = sqlite.open_read_write(database, sqlite.Journal.DELETE, sqlite.Synchronous.OFF)
        try:
            found = [str(row["integrity_check"]) for row in fetch(conn, "PRAGMA integrity_check(5)")]
            if not check_origin(conn, known=len(tables.central_ddl())):
                raise BackupError(f"{backup}: its database is empty")
        finally:
            conn.close()
    except (SqliteError, StoreError) as exc:
        raise BackupError(f"{backup}: its database cannot be used: {exc}") from exc
    if found != ["ok"]:
        raise BackupError(f"{backup}: its database is damaged: {'; '.join(found)}")


def there_are(folder: Path) -> tuple[Path, ...]:
    """The backups in *folder*, the newest first."""
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    return tuple(folder / name for name in newest_first(names))


def prune(folder: Path, *, keep: int) -> tuple[Path, ...]:
    """Remove the oldest backups until *keep* are left; returns those that went. Raises `OSError`."""
    gone = tuple(folder / name for name in too_many((entry.name for entry in folder.iterdir()), keep=keep))
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


def _fill(archive: ArchiveWriter, home: Path, work: Path, folder: Path, now: datetime) -> Contents:
    def room() -> None:
        if shutil.disk_usage(folder).free < LEAST_FREE:
            raise BackupError(f"less than {LEAST_FREE >> 20} MiB are free at {folder}: make room, or use --to")

    room()
    copied = work / DATABASE
    install, newest, lost = _copy_truth(home, copied, work / SPOOL)
    with copied.open("rb") as file:
        archive.add_file(DATABASE, file)
    with contextlib.suppress(FileNotFoundError), (home / SETTINGS).open("rb") as file:
        archive.add_file(SETTINGS, file)
    add_tree(archive, work / SPOOL, SPOOL, room)
    for name in lost:
        archive.skip(f"{SPOOL}/{name}", "it is not in the spool")
    for name in PLAIN_FOLDERS:
        add_tree(archive, home / name, name, room)
    return Contents(
        format=FORMAT,
        made_at=now,
        install=install,
        tables=newest,
        files=archive.files,
        skipped=tuple(archive.skipped),
    )


def _copy_truth(home: Path, target: Path, spool: Path) -> tuple[str | None, int, list[str]]:
    """Copy the truth, with the spool's files that it speaks of; returns its id, its tables, and files that are lost."""
    spool.mkdir()
    install, newest, needed = _try_to_copy(home, target, spool)
    for _ in range(MOST_TRIES):
        if needed <= _names(spool):
            break
        # One came and went while the truth was copied; or it was lost long before.
        install, newest, needed = _try_to_copy(home, target, spool)
    for name in _names(spool) - needed:
        (spool / name).unlink()
    return install, newest, sorted(needed - _names(spool))


def _try_to_copy(home: Path, target: Path, spool: Path) -> tuple[str | None, int, set[str]]:
    _hold_on(home / SPOOL, spool)
    target.unlink(missing_ok=True)
    conn = sqlite.open_read_only(home / DATABASE)
    try:
        sqlite.copy_into(conn, target)
    finally:
        conn.close()
    _hold_on(home / SPOOL, spool)
    conn = sqlite.open_read_write(target, sqlite.Journal.DELETE, sqlite.Synchronous.OFF)
    try:
        newest = integer(conn, "PRAGMA user_version")
        # What an older home needs of its spool is asked of tables that it may not have: all of it comes along.
        needed = _needed(conn) if newest >= len(tables.central_ddl()) else _names(spool)
        return known_install_id(conn), newest, needed
    finally:
        conn.close()


def _names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def _needed(conn: Connection) -> set[str]:
    return {str(row["spool_id"]) for row in fetch(conn, files.NEEDED)}


def _hold_on(spool: Path, place: Path) -> None:
    """Give every finished file of the spool a second name in *place*."""
    for entry in os.scandir(spool) if spool.is_dir() else ():
        if entry.is_file(follow_symlinks=False) and not entry.name.endswith(".part"):
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                os.link(entry.path, place / entry.name, follow_symlinks=False)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """A folder to work in, which nobody else has meanwhile; what an interrupted backup left in it goes."""
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    work = folder / WORK
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("another backup is being made just now: wait for it") from None
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700)
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        os.close(descriptor)

"""Restoring a backup into a home that nobody uses. Everything here blocks.

Until the whole of it lies beside the home, sound and brought to the tables of today, the home is as it was; from then
on the restore is decided, and whoever holds the home next ends it. What it replaces stays, in a folder of its own.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from attrs import frozen

from nanoclaw.backups.archive import Told, read_archive
from nanoclaw.backups.making import require_sound
from nanoclaw.core.backup_contents import DATABASE, FOLDERS, Contents
from nanoclaw.core.backups import TIME
from nanoclaw.errors import BackupError
from nanoclaw.store import audit, swapping
from nanoclaw.store.after_restore import Parked, park
from nanoclaw.store.opening import open_writer
from schema.sqlite import transaction
from schema.times import write_time

WHAT = "backup restore"
"""The act in the audit."""


@frozen(kw_only=True)
class Restored:
    """What was done."""

    contents: Contents
    parked: Parked
    aside: Path
    """Where what was there before is now."""


def restore(home: Path, backup: Path, *, now: datetime, told: Told = lambda _: None) -> Restored:
    """Put *backup* in the place of *home*, which the caller holds.

    Args:
      home: Its keys, its logs and its backups stay.
      backup: Whole, or nothing is done.
      now: The time.
      told: Told of bytes as they are read. What it raises ends the work, and nothing has changed.

    Raises:
      BackupError: *backup* is not whole, or cannot be used.
      StoreError: its database cannot be brought to the tables of today.
      OSError: the disk would not. If the restore was decided by then, it goes on when the home is held next.
    """
    part = home / swapping.UNFINISHED
    shutil.rmtree(part, ignore_errors=True)
    place = part / swapping.NEW
    try:
        place.mkdir(parents=True, mode=0o700)
        contents = read_archive(backup, place, told)
        database = place / DATABASE
        require_sound(database, backup)
        for name in FOLDERS:
            (place / name).mkdir(mode=0o700, exist_ok=True)
        parked = _park(database, backup.name, contents.made_at, now)
        swapping.decide(home, now.strftime(TIME))
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    aside = swapping.finish(home)
    if aside is None:
        raise BackupError("the restore was decided, and is not there any more: look into the home")
    return Restored(contents=contents, parked=parked, aside=aside)


def _park(database: Path, name: str, made_at: datetime, now: datetime) -> Parked:
    writer = open_writer(database)
    try:
        with transaction(writer.conn):
            parked = park(writer.conn, made_at, now=now)
            # What the audit had of the time since the backup is in the folder of what was there before.
            digest = audit.digest({"backup": name, "made_at": write_time(made_at)})
            audit.record(
                writer.conn, who=audit.OPERATOR, what=WHAT, on=name, digest=digest, detail=_words(parked), at=now
            )
            return parked
    finally:
        writer.close()


def _words(parked: Parked) -> str:
    """What was parked, for the record."""
    return (
        f"set aside as undecided: {parked.messages_in} messages in, {parked.messages_out} out, "
        f"{parked.approvals} approvals, {parked.occurrences} times of tasks"
    )

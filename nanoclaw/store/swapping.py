"""Putting a restored home in the place of the one that is there: by renaming, to its end, however often it is begun.

A restore is decided when the folder `restore.ready` has its name. Whoever holds the home next goes on from there: what
is in the way goes into a folder of its own, where it stays, and what was restored takes its place.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

READY = "restore.ready"
UNFINISHED = "restore.part"
PLAN = "plan.json"
NEW = "home"
ASIDE = "before-restore-"
IN_ORDER = (
    "nanoclaw.db-wal",
    "nanoclaw.db-shm",
    "nanoclaw.db",
    "sessions",
    "composed",
    "spool",
    "groups",
    "state",
    "skills",
    "nanoclaw.toml",
)
"""What gives way. A database's log goes first: beside another database it would be taken for its own."""


def decide(home: Path, stamp: str) -> None:
    """From now on *home* is what lies in its folder `restore.part`. Raises `OSError`; then nothing has changed."""
    folder = home / UNFINISHED
    plan = {"aside": f"{ASIDE}{stamp}", "comes": sorted(entry.name for entry in (folder / NEW).iterdir())}
    with (folder / PLAN).open("w", encoding="utf-8") as file:
        json.dump(plan, file)
        file.flush()
        os.fsync(file.fileno())
    os.sync()
    folder.rename(home / READY)
    sync_folder(home)


def finish(home: Path) -> Path | None:
    """Go on with a restore that was decided, for whoever holds *home*; returns where the old home's parts are.

    None: there is none. May be repeated after a crash at any moment. Raises `OSError`.
    """
    ready = home / READY
    if not ready.is_dir():
        return None
    plan = json.loads((ready / PLAN).read_text(encoding="utf-8"))
    aside, comes = home / str(plan["aside"]), frozenset(plan["comes"])
    aside.mkdir(mode=0o700, exist_ok=True)
    for name in IN_ORDER:
        here, new = home / name, ready / NEW / name
        # What comes and is not there any more has come: what is here is it.
        if os.path.lexists(here) and not os.path.lexists(aside / name) and (name not in comes or new.exists()):
            here.rename(aside / name)
        if new.exists():
            new.rename(here)
    sync_folder(aside)
    sync_folder(home)
    # Its name goes first: half of it must not be taken for a restore that was decided.
    shutil.rmtree(home / UNFINISHED, ignore_errors=True)
    ready.rename(home / UNFINISHED)
    sync_folder(home)
    shutil.rmtree(home / UNFINISHED, ignore_errors=True)
    return aside


def sync_folder(folder: Path) -> None:
    """Have the names in *folder* on the disk. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

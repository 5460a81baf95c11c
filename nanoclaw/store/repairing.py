"""Doing what `core/repair.py` decides: row by row and file by file, each step whole or not at all, all safe to repeat.

What is in the way goes into `quarantine/<moment>/`, with a copy of the database as it was before the first change.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from attrs import define, field, frozen

from nanoclaw.core import repair
from nanoclaw.core.backups import TIME
from nanoclaw.core.repair import Change, MendRow, RebuildIndexes, SetAside, Step
from nanoclaw.store import audit
from nanoclaw.store.mending import mend
from nanoclaw.store.swapping import sync_folder
from nanoclaw.store.verify import Host, verify
from schema import sqlite
from schema.sqlite import Connection, execute, transaction

QUARANTINE = "quarantine"
MOST_AT_ONCE = 1_000
MOST_LOOKS = 10_000
"""Looks at the home of one repair: each but the last has mended something."""

Told = Callable[[Change], None]
"""Told of each change before it is made. What it raises ends the repair; what was mended by then stays so."""


@frozen(kw_only=True)
class Repaired:
    """What was done, and what is left to the next start, or to a person."""

    done: tuple[Change, ...]
    left: tuple[Step, ...]
    aside: Path | None
    """Where what was in the way is now, and the database as it was before."""


def look(conn: Connection, home: Path, *, host: Host | None = None, now: datetime) -> tuple[Step, ...]:
    """What would be done in *home*, in which that *host* runs, or none."""
    return repair.plan(verify(conn, home, host=host, now=now, most=MOST_AT_ONCE))


def mend_all(conn: Connection, home: Path, *, now: datetime, told: Told = lambda _: None) -> Repaired:
    """Mend *home*, which the caller holds, until nothing is left that a program can mend.

    Args:
      conn: The writing connection to its database, outside any transaction.
      home: Its folder.
      now: The time.
      told: Told of each change.

    Raises:
      SqliteError, OSError: the disk would not; what was mended by then stays so, and it can be begun again.
    """
    mending = _Mending(conn, home, home / QUARANTINE / now.strftime(TIME), now, told)
    left: tuple[Step, ...] = ()
    for _ in range(MOST_LOOKS):
        left = repair.given_up(look(conn, home, now=now), frozenset(mending.done))
        changes = repair.changes(left)
        if not changes:
            break
        for change in changes:
            mending.make(change)
    return Repaired(done=tuple(mending.done), left=left, aside=mending.aside if mending.done else None)


@define(eq=False)
class _Mending:
    """One repair, and how far it has come."""

    conn: Connection
    home: Path
    aside: Path
    now: datetime
    told: Told
    done: list[Change] = field(factory=list[Change], init=False)

    def make(self, change: Change) -> None:
        """Make one change, whole or not at all."""
        self.told(change)
        self._keep_database()
        match change:
            case SetAside(path=path):
                self._set_aside(Path(path))
                with transaction(self.conn):
                    self._record(change, "set aside")
            case RebuildIndexes():
                with transaction(self.conn):
                    execute(self.conn, "REINDEX")
                    self._record(change, "indexes made anew")
            case MendRow(how=how, problem=problem):
                with transaction(self.conn):
                    mend(self.conn, how, problem.where, now=self.now)
                    self._record(change, how.value)
        self.done.append(change)

    def _record(self, change: Change, detail: str) -> None:
        on, what = change.problem.where, f"repair: {change.problem.what}"
        audit.record(self.conn, who=audit.OPERATOR, what=what, on=on, detail=detail, at=self.now)

    def _keep_database(self) -> None:
        copy = self.aside / "nanoclaw.db"
        if copy.exists():
            return
        for folder in (self.aside.parent, self.aside):
            folder.mkdir(mode=0o700, exist_ok=True)
        unfinished = copy.with_name("nanoclaw.db.part")
        unfinished.unlink(missing_ok=True)
        sqlite.copy_into(self.conn, unfinished)
        unfinished.rename(copy)

    def _set_aside(self, path: Path) -> None:
        """Move *path* by one renaming; gone is gone."""
        target = self.aside / path.relative_to(self.home)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = 1
        while target.exists():
            target, number = target.with_name(f"{path.name}.{number}"), number + 1
        try:
            path.rename(target)
        except FileNotFoundError:
            return
        sync_folder(path.parent)

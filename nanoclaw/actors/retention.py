"""Chores that remove what is old enough: rows, logs of sandboxes, and folders that a crash left behind."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
import trio
from attrs import define, field, frozen

from nanoclaw.actors.parts import Folders
from nanoclaw.actors.sweep import Chore
from nanoclaw.core.retention import (
    LEFT_OVER_AFTER,
    Pace,
    Remove,
    RetentionPolicy,
    Settled,
    decide,
    first_pace,
    is_steady,
    paced,
)
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.threads import Threads
from nanoclaw.link.epoch_folders import epoch_folders
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.store import audit, epochs, retention
from nanoclaw.store.db import Store
from nanoclaw.store.retention import Prune

log = structlog.get_logger()

MOST_STEPS = 25
"""Transactions of one chore in a row; what is left comes with the next time."""
MOST_FILES = 1_000
"""Logs that are removed in a row."""


@frozen(kw_only=True)
class Retention:
    """Makes the chores. One for the whole host."""

    store: Store
    clock: Clock
    folders: Folders
    threads: Threads
    policy: RetentionPolicy
    seconds: float
    """Between two times of each chore."""

    def chores(self) -> tuple[Chore, ...]:
        """One for each kind of thing, so that trouble with one keeps no other."""
        watched = _WatchedClock(self.clock)
        tables: dict[str, Prune] = {
            "old messages in": retention.inbound,
            "old messages out": retention.ledger,
            "old drops": retention.drops,
            "old epochs": retention.epochs,
            "old approvals": retention.approvals,
            "old spending": retention.spending,
        }
        return (
            *(
                Chore(name, self.seconds, _Table(self.store, watched, self.policy.messages, name, prune).step)
                for name, prune in tables.items()
            ),
            Chore(
                "old audit", self.seconds, _Table(self.store, watched, self.policy.audit, "old audit", audit.prune).step
            ),
            Chore("old logs", self.seconds, partial(self._logs, watched)),
            Chore("left folders", self.seconds, partial(self._left_folders, watched)),
        )

    async def _logs(self, watched: _WatchedClock) -> None:
        if not watched.is_steady():
            await trio.lowlevel.checkpoint()
            return
        now = self.clock.now()
        found = await self.threads.run(_logs_on_disk, self.folders.logs)
        # Read after the look at the disk: whoever began since has no log among those found.
        alive = {(epoch.session_id, epoch.number) for epoch in await self.store.read(epochs.all_live)}
        old = [one.path for one in found if isinstance(decide(one.settled(alive), self.policy.logs, now=now), Remove)]
        await self.threads.run(_unlink, old[:MOST_FILES])
        if old:
            log.info("retention", chore="old logs", removed=len(old[:MOST_FILES]))

    async def _left_folders(self, watched: _WatchedClock) -> None:
        """Remove folders of epochs that ended, which whoever ended them did not, for a crash or the disk."""
        if not watched.is_steady():
            await trio.lowlevel.checkpoint()
            return
        found = await self.threads.run(epoch_folders, self.folders.sessions)
        ended = await self.store.read(epochs.ends, [(folder.session, folder.epoch) for folder in found])
        now = self.clock.now()
        for folder in found:
            at = ended.get((folder.session, folder.epoch))
            if isinstance(decide(Settled(at=at), LEFT_OVER_AFTER, now=now), Remove):
                try:
                    await self.threads.run(folder.remove)
                    log.info("stray_epoch_removed", session=folder.session, epoch=folder.epoch)
                except OSError as exc:
                    log.warning("stray_epoch_stays", session=folder.session, epoch=folder.epoch, error=str(exc))


@define(eq=False)
class _WatchedClock:
    """Knows whether the wall clock can be believed."""

    _clock: Clock
    _pace: Pace | None = field(default=None, init=False)

    def now(self) -> datetime:
        """What it says."""
        return self._clock.now()

    def is_steady(self) -> bool:
        """Look at both clocks, and say so."""
        wall, seconds = self._clock.now(), trio.current_time()
        self._pace = first_pace(wall, seconds) if self._pace is None else paced(self._pace, wall, seconds)
        return is_steady(self._pace)


@define(eq=False)
class _Table:
    """One table's chore, and how far it has come."""

    _store: Store
    _watched: _WatchedClock
    _keep: timedelta
    _name: str
    _prune: Prune
    _after: int = field(default=0, init=False)

    async def step(self) -> None:
        """Some bounded transactions, one after the other."""
        removed = 0
        for _ in range(MOST_STEPS):
            if not self._watched.is_steady():
                break
            prune = partial(self._prune, after=self._after, keep=self._keep, now=self._watched.now())
            done = await self._store.transact(prune)
            removed, self._after = removed + done.removed, done.after
            if not self._after:
                break
        if removed:
            log.info("retention", chore=self._name, removed=removed)
        await trio.lowlevel.checkpoint()


@frozen
class _Log:
    path: Path
    session: SessionId
    epoch: EpochNumber
    written_at: datetime

    def settled(self, alive: Collection[tuple[SessionId, EpochNumber]]) -> Settled:
        """As what it is judged: open as long as its sandbox lives."""
        return Settled(at=None if (self.session, self.epoch) in alive else self.written_at)


def _logs_on_disk(logs: Path) -> list[_Log]:
    found = []
    for session in os.scandir(logs) if logs.is_dir() else ():
        if session.is_dir(follow_symlinks=False):
            with os.scandir(session) as entries:
                for entry in entries:
                    number = entry.name.removesuffix(".log")
                    if number.isascii() and number.isdecimal() and entry.is_file(follow_symlinks=False):
                        at = datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC)
                        path = Path(entry.path)
                        found.append(_Log(path, SessionId(session.name), EpochNumber(int(number)), at))
    return sorted(found, key=lambda one: (one.written_at, one.path))


def _unlink(files: Collection[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)

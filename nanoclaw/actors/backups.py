"""Makes a backup of the home when the last one is old enough, keeps the newest, and says what went wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

import structlog
import trio
from attrs import define, field

from nanoclaw.backups import making
from nanoclaw.core.backups import pause_before_next
from nanoclaw.errors import BackupError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.failures import one_line
from nanoclaw.kit.tree import TreeNode

log = structlog.get_logger()

SETTLING_SECONDS = 600.0
"""A host that has just come up has other work, and may be stopped again soon."""
AGAIN_SECONDS = 3600.0
"""After one that did not work; and how often it is looked whether one is due, since the wall clock may jump."""


@define(eq=False)
class Backups:
    """One for the whole host."""

    _home: Path
    _folder: Path
    _clock: Clock
    _node: TreeNode
    every: timedelta = field(kw_only=True)
    """Between two; zero: none is made."""
    keep: int = field(kw_only=True)
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> NoReturn:
        """Make one whenever it is time, until cancelled.

        Cancellation: one that is being made is given up, and nothing remains of it.
        """
        task_status.started()
        if not self.every:
            self._node.set(doing="none are wanted")
            await trio.sleep_forever()
        self._node.set(doing="waiting for the host to settle")
        await trio.sleep(SETTLING_SECONDS)
        while True:
            pause = await self._pause()
            if pause <= 0:
                if await self._make():
                    continue
                pause = AGAIN_SECONDS
            await trio.sleep(min(max(pause, 1.0), AGAIN_SECONDS))

    async def _pause(self) -> float:
        """Seconds to the next."""
        there = await trio.to_thread.run_sync(making.there_are, self._folder, limiter=self._limiter)
        names = [path.name for path in there]
        pause = pause_before_next(names, every=self.every, now=self._clock.now())
        self._node.set(doing=f"the next in {pause.total_seconds() / 3600:.1f} h")
        return pause.total_seconds()

    async def _make(self) -> bool:
        """Make one, and let the oldest go; says whether that worked."""
        try:
            with self._node.busy("making a backup"):
                made, gone = await trio.to_thread.run_sync(self._made, self._clock.now(), limiter=self._limiter)
        except (BackupError, OSError) as exc:
            log.error("backup_failed", why=one_line(exc))  # noqa: TRY400 - it says all
            self._node.set(doing=f"the last one failed: {one_line(exc)}")
            return False
        skipped = len(made.contents.skipped)
        log.info("backup_made", path=str(made.path), size=made.size, skipped=skipped, removed=len(gone))
        return True

    def _made(self, now: datetime) -> tuple[making.Made, tuple[Path, ...]]:
        """Make one, and let the oldest go. Blocks, and ends early when whoever waits for it is cancelled."""

        def told(_: int) -> None:
            trio.from_thread.check_cancelled()

        made = making.make(self._home, self._folder, now=now, told=told)
        return made, making.prune(self._folder, keep=self.keep)

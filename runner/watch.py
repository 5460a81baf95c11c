"""Waits for the host to commit: by inotify, and by looking where inotify shows nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import trio
from attrs import define, field

from runner.logs import log
from schema.commit_watch import CommitWatch
from schema.sqlite import BusyError, ReadOnlyError

MOST_MISSED = 3
"""Commits that only the net found, before inotify is thought to be blind here."""
QUICKEST_LOOK = 0.02
SLOWEST_LOOK = 1.0
PATIENCE = 50
"""Where it looks for itself, it waits this part of the time that it has been quiet for."""


@define(eq=False)
class InboxWatch:
    """Wakes the poll loop at commits in `in/`.

    Some mounts carry files and no events. Nothing can be tried out on a read-only folder, so that shows in use: when
    the loop's own net has found a few things that inotify did not show, the watch looks for itself from then on.

    Args:
      version: Says a number that changes with each commit of the host. May raise `BusyError` and
        `ReadOnlyError`.
      inotify: Watches the folder already; None to look from the start.
    """

    _version: Callable[[], int]
    _inotify: CommitWatch | None
    net_found: int = field(default=0, init=False)
    """Messages that only the net found."""
    _last: int = field(default=-1, init=False)
    _busy_at: float = field(factory=trio.current_time, init=False)

    @classmethod
    def open(cls, folder: Path, version: Callable[[], int]) -> InboxWatch:
        """Watch *folder* by inotify if there is any. Inside `trio.run` only."""
        inotify = None
        try:
            inotify = CommitWatch()
            inotify.add(folder)
        except OSError as exc:
            log("inotify_unavailable", why=str(exc))
            if inotify is not None:
                inotify.close()
            inotify = None
        return cls(version, inotify)

    @property
    def mode(self) -> Literal["inotify", "looking"]:
        """How it waits."""
        return "looking" if self._inotify is None else "inotify"

    async def wait(self, seconds: float) -> bool:
        """Wait for a commit, at most *seconds*; says if there was one. A commit before the call counts, once."""
        with trio.move_on_after(seconds):
            if self._inotify is None:
                await self._look()
            else:
                await trio.lowlevel.wait_readable(self._inotify.fd)
                self._inotify.drain()
            return True
        return False

    def found(self, *, by_net: bool) -> None:
        """Learn that there was something to do, and whether that was seen without being told."""
        self._busy_at = trio.current_time()
        if not by_net or self._inotify is None:
            return
        self.net_found += 1
        log("net_found", times=self.net_found)
        if self.net_found >= MOST_MISSED:
            log("inotify_blind", times=self.net_found)
            self.close()

    def close(self) -> None:
        """Stop watching. May be repeated."""
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    async def _look(self) -> None:
        while True:
            quiet = trio.current_time() - self._busy_at
            await trio.sleep(min(max(quiet / PATIENCE, QUICKEST_LOOK), SLOWEST_LOOK))
            try:
                version = self._version()
            except (BusyError, ReadOnlyError):
                # The host is writing, or has died of it: that is news enough.
                return
            if version != self._last:
                self._last = version
                return

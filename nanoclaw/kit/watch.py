"""One inotify for the whole host: wakes whoever watches a directory at each commit in it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import structlog
import trio
from attrs import define, field

from schema.commit_watch import CommitWatch, Overflow

log = structlog.get_logger()

Mode: TypeAlias = Literal["inotify", "polling"]

SELF_TEST_SECONDS = 0.2


class Watch(Protocol):
    """Says when to look at a directory again."""

    def watching(self, directory: Path, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """Call *wake* at each commit in *directory* for the length of the block; see `DirectoryWatch.watching`."""
        ...


@define(eq=False)
class DirectoryWatch:
    """Turns commits into nudges, by inotify where it works and by polling where it does not.

    A nudge says "look again": it may come for nothing, and several commits
    may share one. What inotify cannot watch (all of it in polling mode, one
    directory when the user's watches have run out) is woken at every poll.

    Args:
      poll_seconds: Between two polls. Nothing is polled while nothing needs it.
      probe_in: Where the self-test makes its directory: best the file system
        that will be watched. None: the system's place for temporary files.
      open_watch: Opens the inotify instance.
    """

    poll_seconds: float = 0.05
    probe_in: Path | None = None
    open_watch: Callable[[], CommitWatch] = CommitWatch
    mode: Mode = field(default="polling", init=False)
    reason: str = field(default="not started", init=False)
    """Why it polls; empty under inotify."""
    _entries: dict[_Entry, None] = field(factory=dict["_Entry", None], init=False)
    _watch: CommitWatch | None = field(default=None, init=False)
    _something_to_poll: trio.Event = field(factory=trio.Event, init=False)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Test inotify, say which mode it is, and wake watchers until cancelled.

        Started again after a failure, it wakes everybody: commits may have gone unseen.
        """
        watch: CommitWatch | None = None
        try:
            try:
                watch = self.open_watch()
            except OSError as exc:
                trouble = f"inotify cannot be opened: {exc}"
            else:
                trouble = await _self_test(watch, self.probe_in)
            await self._serve(None if trouble else watch, trouble, task_status)
        finally:
            if watch is not None:
                watch.close()

    @contextmanager
    def watching(self, directory: Path, wake: Callable[[], None]) -> Generator[None]:
        """Call *wake* at each commit in *directory* for the length of the block.

        Args:
          directory: Exists already.
          wake: Cheap, never blocks, never fails: it leaves mail.

        Raises:
          NotADirectoryError: there is no such directory.
        """
        if not directory.is_dir():
            raise NotADirectoryError(str(directory))
        entry = _Entry(directory, wake)
        self._entries[entry] = None
        self._arm(entry)
        try:
            yield
        finally:
            del self._entries[entry]
            self._disarm(entry)

    async def _serve(self, watch: CommitWatch | None, reason: str, task_status: trio.TaskStatus[None]) -> None:
        self._watch = watch
        self.mode = "polling" if watch is None else "inotify"
        self.reason = reason
        log.info("directory_watch", mode=self.mode, reason=reason)
        try:
            for entry in tuple(self._entries):
                self._arm(entry)
                entry.wake()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._poll)
                if watch is not None:
                    nursery.start_soon(self._read, watch)
                task_status.started()
        finally:
            self._watch = None
            self.mode = "polling"
            self.reason = "stopped"
            for entry in self._entries:
                entry.wd = None

    async def _read(self, watch: CommitWatch) -> None:
        while True:
            await trio.lowlevel.wait_readable(watch.fd)
            seen = watch.drain()
            # A copy: a wake may end a block, and another task's blocks are not ours to assume.
            for entry in tuple(self._entries):
                if isinstance(seen, Overflow) or entry.wd in seen:
                    entry.wake()

    async def _poll(self) -> None:
        while True:
            await self._something_to_poll.wait()
            await trio.sleep(self.poll_seconds)
            polled = [entry for entry in self._entries if entry.wd is None]
            if not polled:
                self._something_to_poll = trio.Event()
            for entry in polled:
                entry.wake()

    def _arm(self, entry: _Entry) -> None:
        if self._watch is not None:
            try:
                entry.wd = self._watch.add(entry.directory)
            except OSError as exc:
                log.warning("directory_polled", directory=str(entry.directory), error=str(exc))
            else:
                return
        self._something_to_poll.set()

    def _disarm(self, entry: _Entry) -> None:
        # Two blocks on one directory share its descriptor: the last one ends it.
        shared = any(other.wd == entry.wd for other in self._entries)
        if self._watch is not None and entry.wd is not None and not shared:
            self._watch.remove(entry.wd)


@define(eq=False)
class _Entry:
    directory: Path
    wake: Callable[[], None]
    wd: int | None = None
    """None: polled."""


async def _self_test(watch: CommitWatch, probe_in: Path | None) -> str:
    """See a file go away; returns what is wrong, or nothing."""
    try:
        with tempfile.TemporaryDirectory(prefix="watch-", dir=probe_in, ignore_cleanup_errors=True) as directory:
            wd = watch.add(directory)
            await trio.to_thread.run_sync(_make_and_delete, Path(directory, "probe"))
            seen = await _sees(watch, wd)
            watch.remove(wd)
    except OSError as exc:
        return f"the self-test failed: {exc}"
    return "" if seen else f"inotify showed nothing within {SELF_TEST_SECONDS:g} s"


async def _sees(watch: CommitWatch, wd: int) -> bool:
    with trio.move_on_after(SELF_TEST_SECONDS):
        while True:
            await trio.lowlevel.wait_readable(watch.fd)
            seen = watch.drain()
            if isinstance(seen, Overflow) or wd in seen:
                return True
    return False


def _make_and_delete(file: Path) -> None:
    file.touch()
    file.unlink()

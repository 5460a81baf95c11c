"""The directory watch: on real files by inotify, and polling where there is none."""

from __future__ import annotations

import errno
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from nanoclaw.kit.watch import DirectoryWatch
from schema.commit_watch import OVERFLOW, CommitWatch, Overflow
from tests.kit.logged import Logged

linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


def no_inotify() -> CommitWatch:
    raise OSError(errno.EMFILE, "no instance left")


class DeafWatch(CommitWatch):
    """Watches some other directory than asked, as inotify across a mount might as well."""

    __slots__ = ()

    def add(self, path: str | Path) -> int:
        return super().add("/proc")


class FullWatch(CommitWatch):
    """Has watches left for the self-test and no more."""

    __slots__ = ("used",)

    def add(self, path: str | Path) -> int:
        if hasattr(self, "used"):
            raise OSError(errno.ENOSPC, "no watch left")
        self.used = True
        return super().add(path)


class OverflowingWatch(CommitWatch):
    """Sees the self-test, then finds that the kernel dropped whatever it was."""

    __slots__ = ("used",)

    def drain(self) -> frozenset[int] | Overflow:
        seen = super().drain()
        if hasattr(self, "used"):
            return OVERFLOW
        self.used = True
        return seen


class AlwaysOverflowingWatch(OverflowingWatch):
    """Not even the self-test's own event is told apart."""

    __slots__ = ()

    def drain(self) -> frozenset[int] | Overflow:
        super().drain()
        return OVERFLOW


@define
class Wakes:
    """Counts wakes and lets a test wait for the next one."""

    count: int = 0
    _event: trio.Event = field(factory=trio.Event)

    def __call__(self) -> None:
        self.count += 1
        self._event.set()
        self._event = trio.Event()

    async def wait(self) -> None:
        with trio.fail_after(30):
            await self._event.wait()


@asynccontextmanager
async def serving(watch: DirectoryWatch) -> AsyncGenerator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(watch.run)
        yield
        nursery.cancel_scope.cancel()


async def commit_in(directory: Path) -> None:
    """What a commit leaves to see; then let the reader have its turn."""
    (directory / "x").touch()
    (directory / "x").unlink()
    await wait_all_tasks_blocked()


@linux
async def test_a_commit_wakes_who_watches_its_directory(tmp_path: Path) -> None:
    watch = DirectoryWatch(probe_in=tmp_path)
    a, b = tmp_path / "a", tmp_path / "b"
    a.mkdir()
    b.mkdir()
    wakes_a, wakes_b = Wakes(), Wakes()
    async with serving(watch):
        assert (watch.mode, watch.reason) == ("inotify", "")
        with watch.watching(a, wakes_a):
            with watch.watching(b, wakes_b):
                await commit_in(a)
                assert (wakes_a.count, wakes_b.count) == (1, 0)
                await commit_in(b)
                assert (wakes_a.count, wakes_b.count) == (1, 1)
            await commit_in(b)
        await commit_in(a)
        assert (wakes_a.count, wakes_b.count) == (1, 1)
    left = [path.name for path in await trio.Path(tmp_path).iterdir()]
    assert sorted(left) == ["a", "b"]  # nothing of the self-test


@linux
async def test_two_may_watch_one_directory(tmp_path: Path) -> None:
    watch = DirectoryWatch()
    first, second = Wakes(), Wakes()
    async with serving(watch):
        with watch.watching(tmp_path, first):
            with watch.watching(tmp_path, second):
                await commit_in(tmp_path)
                assert (first.count, second.count) == (1, 1)
            await commit_in(tmp_path)
            assert (first.count, second.count) == (2, 1)


@linux
async def test_a_wake_may_end_another_watch(tmp_path: Path) -> None:
    watch = DirectoryWatch()
    second = Wakes()
    async with serving(watch):
        block = watch.watching(tmp_path, second)

        def end_the_other() -> None:
            block.__exit__(None, None, None)

        with watch.watching(tmp_path, end_the_other):
            block.__enter__()
            await commit_in(tmp_path)
        assert watch.mode == "inotify"


@linux
async def test_an_overflow_wakes_everybody(tmp_path: Path) -> None:
    watch = DirectoryWatch(open_watch=OverflowingWatch)
    wakes = Wakes(), Wakes()
    (tmp_path / "quiet").mkdir()
    async with serving(watch):
        with watch.watching(tmp_path, wakes[0]), watch.watching(tmp_path / "quiet", wakes[1]):
            await commit_in(tmp_path)
    assert [wake.count for wake in wakes] == [1, 1]


@linux
async def test_an_inotify_that_shows_nothing_is_not_trusted(tmp_path: Path, logged: Logged) -> None:
    watch = DirectoryWatch(open_watch=DeafWatch, poll_seconds=0.001)
    wakes = Wakes()
    async with serving(watch):
        assert (watch.mode, watch.reason) == ("polling", "inotify showed nothing within 0.2 s")
        with watch.watching(tmp_path, wakes):
            await wakes.wait()
    assert [(entry["event"], entry["mode"]) for entry in logged] == [("directory_watch", "polling")]


async def test_a_self_test_that_cannot_be_made_means_polling(tmp_path: Path) -> None:
    watch = DirectoryWatch(probe_in=tmp_path / "nowhere")
    async with serving(watch):
        assert watch.mode == "polling"
        assert "nowhere" in watch.reason


@linux
async def test_a_self_test_passes_on_overflow_too(tmp_path: Path) -> None:
    async with serving(watch := DirectoryWatch(open_watch=AlwaysOverflowingWatch)):
        assert watch.mode == "inotify"


@linux
async def test_a_directory_there_is_no_watch_left_for_is_polled(tmp_path: Path, logged: Logged) -> None:
    watch = DirectoryWatch(open_watch=FullWatch, poll_seconds=0.001)
    wakes = Wakes()
    async with serving(watch):
        assert watch.mode == "inotify"
        with watch.watching(tmp_path, wakes):
            await wakes.wait()
            await wakes.wait()
    assert [entry["event"] for entry in logged] == ["directory_watch", "directory_polled"]


async def test_polling_wakes_everybody_at_each_poll_and_nobody_in_between(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    watch = DirectoryWatch(open_watch=no_inotify, poll_seconds=2)
    times: list[float] = []
    async with serving(watch):
        assert watch.reason == "inotify cannot be opened: [Errno 24] no instance left"
        await trio.sleep(100)
        with watch.watching(tmp_path, lambda: times.append(trio.current_time())):
            await trio.sleep(5)
        await trio.sleep(100)
        with watch.watching(tmp_path, lambda: times.append(trio.current_time())):
            await trio.sleep(3)
    assert times == [102, 104, 207]


async def test_only_what_is_there_can_be_watched(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    with pytest.raises(NotADirectoryError), DirectoryWatch().watching(nowhere, Wakes()):
        pass


@linux
async def test_a_watch_started_again_wakes_everybody_and_goes_on(tmp_path: Path) -> None:
    watch = DirectoryWatch()
    wakes = Wakes()
    with watch.watching(tmp_path, wakes):
        assert (watch.mode, watch.reason) == ("polling", "not started")
        for round_ in (1, 2):
            async with serving(watch):
                assert wakes.count == 2 * round_ - 1
                await commit_in(tmp_path)
                assert wakes.count == 2 * round_
            assert (watch.mode, watch.reason) == ("polling", "stopped")

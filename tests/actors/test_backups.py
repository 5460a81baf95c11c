"""The host makes backups by itself: when the last one is old enough, and again when one did not work."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from nanoclaw.actors import backups
from nanoclaw.actors.backups import Backups
from nanoclaw.backups import making
from nanoclaw.kit.tree import TreeNode
from tests.backups.home import filled
from tests.support.central import NOW

HOUR = 3600.0


class Wall:
    """A wall clock that goes with Trio's."""

    def now(self) -> datetime:
        """NOW, and what has passed since."""
        return NOW + timedelta(seconds=trio.current_time())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return filled(tmp_path / "home")


async def let_pass(clock: MockClock, seconds: float, true: Callable[[], object]) -> None:
    """Let time pass, and then what was begun come to its end: a thread does it, in its own time."""
    clock.jump(seconds)
    with trio.fail_after(1e9):
        while not true():
            await trio.to_thread.run_sync(list)
            await trio.testing.wait_all_tasks_blocked()


def made(home: Path) -> int:
    return len(making.there_are(home / "backups"))


def actor(home: Path, *, hours: float = 24, keep: int = 7, node: TreeNode | None = None) -> Backups:
    node = node or TreeNode("backups")
    return Backups(home, home / "backups", Wall(), node, every=timedelta(hours=hours), keep=keep)


async def test_one_is_made_when_the_host_has_settled_and_then_once_a_day(
    home: Path, nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    node = TreeNode("backups")
    await nursery.start(actor(home, node=node).run)
    await trio.testing.wait_all_tasks_blocked()
    assert made(home) == 0
    await let_pass(mock_clock, backups.SETTLING_SECONDS, lambda: "the next in 24.0 h" in str(node.snapshot(0.0)))
    assert made(home) == 1
    await let_pass(mock_clock, 23 * HOUR, lambda: "the next in 1.0 h" in str(node.snapshot(0.0)))
    assert made(home) == 1
    await let_pass(mock_clock, HOUR, lambda: made(home) == 2)


async def test_the_oldest_go(home: Path, nursery: trio.Nursery, mock_clock: MockClock) -> None:
    for day in (1, 2, 3):
        (home / "backups" / f"nanoclaw-2026-04-0{day}T00-00-00Z.tar.gz").touch()
    await nursery.start(actor(home, keep=2).run)
    await trio.testing.wait_all_tasks_blocked()
    await let_pass(mock_clock, backups.SETTLING_SECONDS, lambda: made(home) == 2)
    assert [path.name[9:19] for path in making.there_are(home / "backups")] == ["2026-04-16", "2026-04-03"]


async def test_one_that_does_not_work_is_tried_again_in_an_hour(
    home: Path, nursery: trio.Nursery, mock_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "LEAST_FREE", 1 << 60)
    node = TreeNode("backups")
    await nursery.start(actor(home, node=node).run)
    await trio.testing.wait_all_tasks_blocked()
    await let_pass(mock_clock, backups.SETTLING_SECONDS, lambda: "failed" in str(node.snapshot(0.0)))
    assert "are free at" in str(node.snapshot(0.0))
    monkeypatch.setattr(making, "LEAST_FREE", 0)
    await trio.testing.wait_all_tasks_blocked()
    await let_pass(mock_clock, backups.AGAIN_SECONDS, lambda: made(home) == 1)


async def test_none_is_made_where_none_is_wanted(home: Path, nursery: trio.Nursery, mock_clock: MockClock) -> None:
    await nursery.start(actor(home, hours=0).run)
    mock_clock.jump(100 * 24 * HOUR)
    await trio.testing.wait_all_tasks_blocked()
    assert made(home) == 0


async def test_a_host_that_ends_gives_up_the_one_that_is_being_made(
    home: Path, mock_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trio.CancelScope() as scope:
        token = trio.lowlevel.current_trio_token()
        add = tarfile.TarFile.addfile

        def ends(tar: tarfile.TarFile, *arguments: object) -> None:
            trio.from_thread.run_sync(scope.cancel, trio_token=token)
            add(tar, *arguments)  # type: ignore[arg-type]  # it passes on what it was given

        monkeypatch.setattr(tarfile.TarFile, "addfile", ends)
        async with trio.open_nursery() as nursery:
            await nursery.start(actor(home).run)
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(backups.SETTLING_SECONDS)
    assert scope.cancelled_caught
    assert [entry.name for entry in (home / "backups").iterdir()] == [".lock"]

"""The chores of retention: they go on where they were, trust no clock that was set, and do not hinder each other."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio
from attrs import define, field
from structlog.testing import capture_logs
from trio.testing import MockClock

from nanoclaw.actors.parts import Folders
from nanoclaw.actors.retention import MOST_STEPS, Retention
from nanoclaw.actors.sweep import Sweep
from nanoclaw.core.retention import RetentionPolicy
from nanoclaw.kit.tree import TreeNode
from nanoclaw.link import epoch_folders, removal
from nanoclaw.link.layout import SessionLayout
from nanoclaw.model.ids import SessionId
from nanoclaw.model.messages import EpochEnding
from nanoclaw.store import epochs, inbound, retention
from nanoclaw.store.sessions import session_place
from schema.sqlite import integer
from tests.support.central import World
from tests.support.inline_database import InlineDatabase
from tests.support.inline_threads import InlineThreads

START = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
HOUR = 3_600.0
YEARS = timedelta(days=5 * 365)


@define
class SetClock:
    """A wall clock that follows Trio's, and that can be set."""

    ahead: timedelta = timedelta(0)
    _made: float = field(factory=trio.current_time)

    def now(self) -> datetime:
        return START + self.ahead + timedelta(seconds=round(trio.current_time() - self._made, 3))


@define
class Case:
    """A home with one session, swept with nothing but retention."""

    home: Path
    store: InlineDatabase
    world: World
    session: SessionId
    clock: SetClock

    @property
    def layout(self) -> SessionLayout:
        place = session_place(self.store.conn, self.session)
        assert place is not None
        return Folders(home=self.home).layout(place.session)

    def messages(self) -> int:
        return integer(self.store.conn, "SELECT count(*) FROM inbound")

    def logs(self) -> list[str]:
        return sorted(path.name for path in self.home.glob("logs/sandboxes/*/*"))

    def log(self, name: str, *, days: float) -> None:
        """A log that was last written so many days ago."""
        path = self.home / "logs" / "sandboxes" / self.session / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        at = (START - timedelta(days=days)).timestamp()
        os.utime(path, (at, at))

    @asynccontextmanager
    async def sweeping(self) -> AsyncIterator[None]:
        made = Retention(
            store=self.store,
            clock=self.clock,
            folders=Folders(home=self.home),
            threads=InlineThreads(),
            policy=RetentionPolicy(),
            seconds=HOUR,
        )
        ignore = lambda _: None  # noqa: E731
        sweep = Sweep(self.store, self.clock, ignore, ignore, TreeNode("sweep"), made.chores())
        async with trio.open_nursery() as nursery:
            await nursery.start(sweep.run)
            yield
            nursery.cancel_scope.cancel()


def a_case(home: Path) -> Case:
    store = InlineDatabase()
    world = World(store.conn, START - YEARS)
    return Case(home, store, world, world.session(), SetClock())


def settle(case: Case, count: int) -> None:
    for number in range(count):
        inbound.settle(case.store.conn, case.world.message(case.session, f"m{number}"), error=None, now=case.world.now)


async def test_old_messages_go_within_an_hour_and_no_more_than_a_bounded_number_at_a_time(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SHOWN_SETTLED", 1)
    monkeypatch.setattr(retention, "MOST_ROWS", 2)
    case = a_case(tmp_path)
    settle(case, 2 * MOST_STEPS + 5)
    async with case.sweeping():
        await trio.sleep(HOUR - 1)
        assert case.messages() == 2 * MOST_STEPS + 5, "the clock is not known yet"
        await trio.sleep(61)
        assert case.messages() == 5
        await trio.sleep(HOUR)
        assert case.messages() == 1


@pytest.mark.parametrize("ahead", [YEARS, timedelta(hours=8)], ids=["set", "asleep"])
async def test_a_clock_that_jumped_removes_nothing_until_it_has_gone_evenly(
    tmp_path: Path, autojump_clock: MockClock, ahead: timedelta
) -> None:
    case = a_case(tmp_path)
    case.log("1.log", days=29.9)
    async with case.sweeping():
        await trio.sleep(2 * HOUR - 30)
        assert case.logs() == ["1.log"]
        case.clock.ahead += ahead
        await trio.sleep(HOUR)
        assert case.logs() == ["1.log"]
        case.clock.ahead -= ahead
        await trio.sleep(24 * HOUR)
        assert case.logs() == []


async def test_old_logs_go_and_those_of_sandboxes_that_live_stay(tmp_path: Path, autojump_clock: MockClock) -> None:
    case = a_case(tmp_path)
    epochs.end(case.store.conn, case.session, case.world.epoch(case.session), EpochEnding.EXITED, "", now=START)
    alive = case.world.epoch(case.session)
    case.log("1.log", days=31)
    case.log(f"{alive}.log", days=99)
    case.log("3.log", days=1)
    case.log("notes.txt", days=99)
    async with case.sweeping():
        await trio.sleep(HOUR + 61)
    assert case.logs() == [f"{alive}.log", "3.log", "notes.txt"]


async def test_a_folder_that_was_left_goes_and_one_in_use_stays(tmp_path: Path, autojump_clock: MockClock) -> None:
    case = a_case(tmp_path)
    left, fresh = case.world.epoch(case.session), 2
    epochs.end(case.store.conn, case.session, left, EpochEnding.EXITED, "", now=START - timedelta(hours=2))
    assert case.world.epoch(case.session) == fresh
    for epoch in (left, fresh, 3):
        case.layout.make_epoch(epoch)
    async with case.sweeping():
        await trio.sleep(HOUR + 61)
    # Of the third, the truth knows nothing: a start removes it, which nobody is in the way of.
    assert sorted(path.name for path in (case.layout.root / "out").iterdir()) == ["2", "3"]


async def test_trouble_with_one_kind_keeps_no_other(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SHOWN_SETTLED", 1)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(retention, "inbound", broken)
    case = a_case(tmp_path)
    for _ in range(3):
        epochs.end(
            case.store.conn, case.session, case.world.epoch(case.session), EpochEnding.EXITED, "", now=case.world.now
        )
    case.log("1.log", days=31)
    with capture_logs() as logged:
        async with case.sweeping():
            await trio.sleep(HOUR + 61)
    assert [line["chore"] for line in logged if line["event"] == "chore_failed"] == ["old messages in"]
    assert integer(case.store.conn, "SELECT count(*) FROM epochs") == 1
    assert case.logs() == []


async def test_a_folder_that_cannot_be_removed_is_named_and_the_others_go(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = a_case(tmp_path)
    for _ in range(2):
        epoch = case.world.epoch(case.session)
        case.layout.make_epoch(epoch)
        epochs.end(case.store.conn, case.session, epoch, EpochEnding.EXITED, "", now=START - timedelta(hours=2))
    real = removal.remove_tree

    def remove(path: Path) -> None:
        if path.name == "1":
            raise PermissionError("somebody else's")
        real(path)

    monkeypatch.setattr(epoch_folders, "remove_tree", remove)
    with capture_logs() as logged:
        async with case.sweeping():
            await trio.sleep(HOUR + 61)
    assert [line["epoch"] for line in logged if line["event"] == "stray_epoch_stays"] == [1]
    assert [path.name for path in (case.layout.root / "out").iterdir()] == ["1"]

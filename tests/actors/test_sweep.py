"""The sweep: what waits for a time is taken up at that time, and trouble with one thing keeps it from no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio
from attrs import define, field
from structlog.testing import capture_logs
from trio.testing import MockClock

from nanoclaw.actors.nets import Nets
from nanoclaw.actors.sweep import Chore, Sweep
from nanoclaw.kit.clock import TrioClock
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.ids import SessionId
from nanoclaw.model.questions import QuestionState
from nanoclaw.model.tasks import Task, TaskState
from nanoclaw.store import inbound, occurrences, questions, tasks
from nanoclaw.store.ledger import Lane
from schema.sqlite import execute, fetch
from schema.times import write_time
from tests.support.central import CHANNEL, World
from tests.support.inline_database import InlineDatabase
from tests.support.questions import asked
from tests.support.tasks import a_task, outcomes, stored

START = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
TO_THE_HOUR = 23 * 60.0


@define
class Case:
    """A house with one session, and whom the sweep woke in it and when."""

    store: InlineDatabase
    world: World
    session: SessionId
    clock: TrioClock
    reads: int = 0
    woken: list[tuple[float, SessionId]] = field(factory=list[tuple[float, SessionId]])
    nudged: list[Lane] = field(factory=list[Lane])

    def add(self, name: str = "task-1", **other: Any) -> Task:
        task = a_task(self.session, name, **other)
        assert tasks.add(self.store.conn, task, now=self.clock.now())
        return task

    @asynccontextmanager
    async def sweeping(self, *chores: Chore) -> AsyncIterator[Sweep]:
        sweep = Sweep(
            self.store,
            self.clock,
            lambda session: self.woken.append((trio.current_time(), session)),
            self.nudged.extend,
            TreeNode("sweep"),
            chores,
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(sweep.run)
            yield sweep
            nursery.cancel_scope.cancel()


def a_case() -> Case:
    store = InlineDatabase()
    world = World(store.conn, START)
    return Case(store, world, world.session(), TrioClock(START))


async def test_an_occurrence_is_taken_up_at_its_time(autojump_clock: MockClock) -> None:
    case = a_case()
    case.add()
    async with case.sweeping():
        await trio.sleep(TO_THE_HOUR - 0.001)
        assert case.woken == []
        await trio.sleep(0.002)
        assert case.woken == [(TO_THE_HOUR, case.session)]
        assert outcomes(case.store.conn) == [("15:00", None), ("16:00", None)]


async def test_a_letter_wakes_it_for_what_is_due_earlier(autojump_clock: MockClock) -> None:
    case = a_case()
    async with case.sweeping() as sweep:
        await trio.sleep(1)
        case.add(cron=None, first_at=START + timedelta(seconds=5))
        sweep.look()
        await trio.sleep(5)
    assert case.woken == [(5.0, case.session)]


async def test_without_a_letter_it_looks_within_a_minute(autojump_clock: MockClock) -> None:
    case = a_case()
    async with case.sweeping():
        await trio.sleep(1)
        case.add(cron=None, first_at=START + timedelta(seconds=5))
        await trio.sleep(Nets().sweep)
    assert case.woken[0] == (Nets().sweep, case.session)


async def test_a_broken_task_is_set_aside_and_the_others_run(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = a_case()
    broken, fine = case.add("a-broken"), case.add("b-fine")
    real = occurrences.take_up

    def take_up(conn: Any, task: Any, *, now: datetime) -> bool:
        if task == broken.id:
            raise RuntimeError("a bug")
        return real(conn, task, now=now)

    monkeypatch.setattr(occurrences, "take_up", take_up)
    with capture_logs() as logged:
        async with case.sweeping():
            await trio.sleep(TO_THE_HOUR + 1)
    assert [line["event"] for line in logged] == ["sweep_failed"]
    assert stored(case.store.conn, broken).state is TaskState.PAUSED
    assert "a bug" in (stored(case.store.conn, broken).reason or "")
    assert occurrences.waiting(case.store.conn, fine.id) == 1


async def test_sessions_and_lanes_whose_time_has_come_are_reminded(autojump_clock: MockClock) -> None:
    case = a_case()
    row, epoch = case.world.claimed(case.session)
    inbound.settle(case.store.conn, row, error=None, now=START)
    later = START + timedelta(seconds=30)
    waiting = case.world.message(case.session, "waits")
    execute(case.store.conn, "UPDATE inbound SET process_after = ? WHERE id = ?", (write_time(later), waiting))
    case.world.reply(case.session, epoch, 3, not_before=later)
    async with case.sweeping():
        await trio.sleep(31)
    assert case.woken == [(30.0, case.session)]
    assert case.nudged == [Lane(CHANNEL, "room")]


async def test_a_question_that_nobody_answers_in_time_is_over(autojump_clock: MockClock) -> None:
    case = a_case()
    question = asked(case.world, case.session, seconds=30)
    async with case.sweeping():
        await trio.sleep(29)
        assert questions.waiting(case.store.conn, case.session) == 1
        await trio.sleep(2)
        assert questions.waiting(case.store.conn, case.session) == 0
        found = questions.get(case.store.conn, question.id)
        assert found is not None
        assert found.state is QuestionState.EXPIRED
    assert case.woken == [(30.0, case.session)]
    assert case.nudged == [Lane(CHANNEL, "room")]


async def test_a_chore_is_done_at_its_times_and_one_that_fails_keeps_nothing_up(autojump_clock: MockClock) -> None:
    case = a_case()
    done: list[float] = []

    async def tidy() -> None:
        await trio.lowlevel.checkpoint()
        done.append(trio.current_time())

    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise RuntimeError("a bug")

    case.add()
    with capture_logs() as logged:
        async with case.sweeping(Chore("fails", 600, fail), Chore("tidies", 600, tidy)):
            await trio.sleep(TO_THE_HOUR + 1)
    assert done == [0.0, 600.0, 1200.0]
    assert {line["event"] for line in logged} == {"chore_failed"}
    assert case.woken == [(TO_THE_HOUR, case.session)]


async def test_a_wall_clock_that_jumps_ahead_runs_each_task_once(autojump_clock: MockClock) -> None:
    case = a_case()
    case.add()
    async with case.sweeping():
        await trio.sleep(1)
    # The machine was asleep for eight hours: the monotonic clock hardly moved.
    case.clock = TrioClock(START + timedelta(hours=8))
    async with case.sweeping():
        await trio.sleep(1)
    missed = [(f"{hour:02}:00", "missed") for hour in range(15, 22)]
    assert outcomes(case.store.conn) == [*missed, ("22:00", None), ("23:00", None)]
    assert len(fetch(case.store.conn, "SELECT * FROM inbound")) == 1


async def test_cancelled_anywhere_it_leaves_all_or_nothing_of_an_occurrence(autojump_clock: MockClock) -> None:
    case = a_case()
    case.add()
    for _ in range(40):
        with trio.move_on_after(TO_THE_HOUR):
            async with case.sweeping():
                await trio.sleep_forever()
        rows = fetch(case.store.conn, "SELECT inbound_id, queued_at FROM occurrences WHERE queued_at IS NOT NULL")
        assert len(rows) == len(fetch(case.store.conn, "SELECT * FROM inbound"))
        planned = fetch(case.store.conn, "SELECT 1 FROM occurrences WHERE outcome IS NULL AND queued_at IS NULL")
        assert len(planned) == 1
        if rows:
            return
    raise AssertionError("it was never taken up")

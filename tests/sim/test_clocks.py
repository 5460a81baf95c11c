"""Clocks of people, in a whole host: what the zones of Berlin, New York, Lord Howe and Apia do, and clocks that jump.

A jump is the wall clock's alone; a machine that was asleep is the same to a host, whose other clock stood still.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
import trio

from nanoclaw.actors.nets import Nets
from nanoclaw.model.ids import SessionId
from nanoclaw.model.tasks import Misfire, Task, TaskState
from nanoclaw.store import tasks
from schema.sqlite import fetch, transaction
from schema.times import read_time
from tests.sim.__main__ import told
from tests.sim.history import Claimed, Ended
from tests.sim.run import Outcome, run
from tests.sim.story import Story
from tests.sim.town import PLACES
from tests.support.central import NOW
from tests.support.tasks import a_task

SHED = PLACES[2]
MINUTES = 60.0
HOURS = 3600.0
NETS = Nets(link=60.0, memory=1e9, spool=1e9)
"""Those that notice a clock that was set look once a minute, as they do in a real host."""


class Clocked(Story):
    """A story about time: no chance, no faults but those that it says."""

    seen: ClassVar[dict[str, list[tuple[datetime, str | None]]]]
    """Each task's times, and what became of them."""

    def set_clock(self, to: datetime) -> None:
        """Somebody sets the wall clock."""
        self.world.clock.ahead += to - self.world.clock.now()

    def jump(self, by: timedelta) -> None:
        """The wall clock jumps."""
        self.world.clock.ahead += by

    def plan(self, name: str, zone: str, cron: str, misfire: Misfire = Misfire.LATEST) -> Task:
        """A new task of the agent in the shed."""
        world, now = self.world, self.world.clock.now()
        (row,) = fetch(world.conn, "SELECT id FROM sessions WHERE messaging_group_id LIKE '%shed'")
        where = {"channel": SHED.channel, "platform_id": SHED.room}
        times = {"first_at": now, "created_at": now, "changed_at": now}
        task = a_task(
            SessionId(str(row["id"])),
            name,
            prompt="answer",
            timezone=zone,
            cron=cron,
            misfire=misfire,
            **where,
            **times,
        )
        with transaction(world.conn):
            assert tasks.add(world.conn, task, now=now)
        if self.life.house is not None:
            self.life.house.changed()
        return task

    async def _end(self) -> None:
        rows = fetch(self.world.conn, "SELECT task_id, due_at, outcome FROM occurrences ORDER BY task_id, due_at")
        for row in rows:
            times = type(self).seen.setdefault(str(row["task_id"]), [])
            times.append((read_time(str(row["due_at"])), None if row["outcome"] is None else str(row["outcome"])))
        await super()._end()


def claims(outcome: Outcome) -> Counter[str]:
    """How often each message was taken up by an agent."""
    return Counter(message for claimed in outcome.history.all(Claimed) for message in claimed.messages)


def assert_calm(outcome: Outcome) -> None:
    """Every promise was kept, nothing was done twice, and no sandbox was killed."""
    assert not outcome.problems, told(outcome)
    assert set(claims(outcome).values()) <= {1}, told(outcome)
    assert {ended.code for ended in outcome.history.all(Ended)} <= {0, -15}, told(outcome)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "cron", "start", "expected"),
    [
        (
            "Europe/Berlin",
            "30 2 * * *",
            "2027-03-27 00:00",
            ["2027-03-27 01:30", "2027-03-28 01:00", "2027-03-29 00:30"],
        ),
        (
            "Europe/Berlin",
            "30 2 * * *",
            "2026-10-23 22:00",
            ["2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"],
        ),
        (
            "America/New_York",
            "30 2 * * *",
            "2027-03-13 05:00",
            ["2027-03-13 07:30", "2027-03-14 07:00", "2027-03-15 06:30"],
        ),
        (
            "America/New_York",
            "30 1 * * *",
            "2026-10-31 04:00",
            ["2026-10-31 05:30", "2026-11-01 05:30", "2026-11-02 06:30"],
        ),
        (
            "Australia/Lord_Howe",
            "15 2 * * *",
            "2026-10-02 15:00",
            ["2026-10-02 15:45", "2026-10-03 15:30", "2026-10-04 15:15"],
        ),
        (
            "Australia/Lord_Howe",
            "45 1 * * *",
            "2027-04-02 14:00",
            ["2027-04-02 14:45", "2027-04-03 14:45", "2027-04-04 15:15"],
        ),
        ("Pacific/Apia", "0 9 * * *", "2011-12-29 18:00", ["2011-12-29 19:00", "2011-12-30 10:00", "2011-12-30 19:00"]),
    ],
    ids=[
        "berlin-gap",
        "berlin-fold",
        "new-york-gap",
        "new-york-fold",
        "lord-howe-gap",
        "lord-howe-fold",
        "apia-no-day",
    ],
)
def test_a_schedule_runs_once_a_day_whatever_its_zone_does(
    zone: str, cron: str, start: str, expected: list[str]
) -> None:
    class Days(Clocked):
        seen: ClassVar = {}

        async def happen(self) -> None:
            self.set_clock(utc(start))
            self.plan("daily", zone, cron)
            await trio.sleep((utc(expected[-1]) - utc(start)).total_seconds() + HOURS)

    outcome = run(1, make_story=Days)
    assert_calm(outcome)
    ran = [at for at, became in Days.seen["daily"] if became == "ran"]
    assert ran == list(map(utc, expected)), told(outcome)
    assert len(claims(outcome)) == len(expected)


JUMPS = {
    "an hour ahead": timedelta(hours=1),
    "an hour back": timedelta(hours=-1),
    "to 1970": datetime(1970, 1, 1, tzinfo=UTC) - NOW,
    "to 2100": datetime(2100, 1, 1, tzinfo=UTC) - NOW,
    "asleep for eight hours": timedelta(hours=8),
}
AHEAD = {name for name, by in JUMPS.items() if by > timedelta(0)}


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_ends_no_work_and_stops_nothing_that_idles(jump: str) -> None:
    class Working(Clocked):
        seen: ClassVar = {}
        alive: ClassVar[list[int]] = []

        async def happen(self) -> None:
            self.say(PLACES[1], "answer")
            self.say(SHED, "tool")
            await trio.sleep(1 * MINUTES)
            self._count()
            self.jump(JUMPS[jump])
            # Longer than any net, and not yet the time at which what idles is paused or ends.
            await trio.sleep(5 * MINUTES)
            self._count()
            await trio.sleep(16 * MINUTES)

        def _count(self) -> None:
            self.alive.append(sum(not box.ended.is_set() for box in self.world.yard.boxes))

    outcome = run(1, make_story=Working, nets=NETS)
    assert_calm(outcome)
    assert Working.alive == [2, 2], told(outcome)
    assert sum(claims(outcome).values()) == 2


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("misfire", Misfire)
def test_a_jump_and_its_end_run_each_time_once_and_nothing_in_a_burst(jump: str, misfire: Misfire) -> None:
    zones = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")

    class Jumping(Clocked):
        seen: ClassVar = {}
        ran: ClassVar[list[int]] = []

        async def happen(self) -> None:
            for zone in zones:
                self.plan(zone, zone, "7 * * * *" if abs(JUMPS[jump]) < timedelta(days=9) else "7 3 * * *", misfire)
            # Far from any of the times, on either side of the jump.
            await trio.sleep(4 * HOURS + 10 * MINUTES)
            self._count()
            self.jump(JUMPS[jump])
            await trio.sleep(3 * MINUTES)
            self._count()
            self.jump(-JUMPS[jump])
            await trio.sleep(10 * MINUTES)
            self._count()

        def _count(self) -> None:
            (row,) = fetch(self.world.conn, "SELECT count(*) AS runs FROM occurrences WHERE queued_at IS NOT NULL")
            self.ran.append(int(str(row["runs"])))

    outcome = run(1, make_story=Jumping, nets=NETS)
    assert_calm(outcome)
    before, during, after = Jumping.ran
    hours = JUMPS[jump] // timedelta(hours=1)
    most = {Misfire.LATEST: 1, Misfire.SKIP: 0, Misfire.ALL: min(hours, 100)}[misfire] if jump in AHEAD else 0
    assert during - before <= most * len(zones), told(outcome)
    if misfire is not Misfire.SKIP and jump in AHEAD:
        assert during > before, "what passed is made up for"
    assert after == during, "what has run does not run again"
    for times in Jumping.seen.values():
        assert len({at for at, _ in times}) == len(times)


def test_a_task_that_was_planned_by_a_clock_gone_wrong_goes_on_once_it_was_paused_and_resumed() -> None:
    class Wrong(Clocked):
        seen: ClassVar = {}

        async def happen(self) -> None:
            task = self.plan("hourly", "Europe/Berlin", "7 * * * *")
            await trio.sleep(1 * HOURS)
            for by in (timedelta(days=40), -timedelta(days=40)):
                self.jump(by)
                await trio.sleep(3 * MINUTES)
            for state in (TaskState.PAUSED, TaskState.ACTIVE):
                with transaction(self.world.conn):
                    found = tasks.get(self.world.conn, task.id)
                    assert found is not None
                    tasks.move(self.world.conn, found, state, reason=None, now=self.world.clock.now())
            assert self.life.house is not None
            self.life.house.changed()
            await trio.sleep(2 * HOURS)

    outcome = run(1, make_story=Wrong, nets=NETS)
    assert_calm(outcome)
    ran = [at for at, became in Wrong.seen["hourly"] if became in ("ran", "late") and at < NOW + timedelta(hours=4)]
    assert ran == [utc("2026-04-16 15:07"), utc("2026-04-16 16:07"), utc("2026-04-16 17:07")], told(outcome)

"""A thousand hours of five sessions: what sleeps, sleeps to its deadline, and costs nothing until then."""

from __future__ import annotations

import time
from datetime import timedelta

import attrs
import trio

from nanoclaw.actors.nets import Nets
from nanoclaw.model.ids import SessionId
from nanoclaw.model.tasks import Outcome
from nanoclaw.store import tasks
from schema.sqlite import fetch, transaction
from tests.sim.__main__ import told
from tests.sim.run import run
from tests.sim.story import Story
from tests.sim.town import PLACES
from tests.support.tasks import a_task

HOURS = 1_000
EACH = 2
NO_NETS = Nets(**dict.fromkeys((one.name for one in attrs.fields(Nets)), 1e7))


class SixWeeks(Story):
    """Each session has a task twice a month; one message in it crashes its agent, and is tried again."""

    async def happen(self) -> None:
        """See `Story.happen`."""
        world = self.world
        await trio.sleep(1.0)
        now = world.clock.now()
        sessions = [str(row["id"]) for row in fetch(world.conn, "SELECT id FROM sessions ORDER BY id")]
        assert len(sessions) == 5
        with transaction(world.conn):
            for day, session in enumerate(sessions):
                task = a_task(
                    SessionId(session),
                    f"task-{day}",
                    prompt="twice a month: answer",
                    cron=f"0 12 {day + 1},{day + 15} * *",
                    channel=PLACES[0].channel,
                    platform_id=PLACES[0].room,
                    first_at=now + timedelta(hours=1),
                )
                tasks.add(world.conn, task, now=now)
        assert self.life.house is not None
        self.life.house.changed()
        self.say(PLACES[1], "crash 3")
        await trio.sleep(HOURS * 3600.0)


def test_a_thousand_hours_of_five_sessions_take_less_than_two_seconds() -> None:
    run(0)  # whatever is made once
    begun = time.process_time()
    outcome = run(0, make_story=SixWeeks, nets=NO_NETS)
    took = time.process_time() - begun
    assert not outcome.problems, told(outcome)
    assert outcome.seconds >= HOURS * 3600
    ran = [one for one in outcome.truth.occurrences if one.outcome is Outcome.RAN]
    assert len(ran) >= 5 * EACH
    assert took < 2.0

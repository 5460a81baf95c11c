"""A week in which nobody says anything costs nothing: no sandbox is started, and no agent is asked."""

from __future__ import annotations

import trio
from attrs import define

from schema.sqlite import integer
from tests.sim.__main__ import told
from tests.sim.run import run
from tests.sim.story import Story
from tests.sim.town import PLACES

WEEK = 7 * 86_400.0
COUNTED = ("epochs", "inbound", "ledger", "usage", "spending")


@define(eq=False)
class IdleWeek(Story):
    """Somebody is answered, and then nobody says anything for a week."""

    def counts(self) -> dict[str, int]:
        """What there is of everything that a turn leaves."""
        return {table: integer(self.world.conn, f"SELECT count(*) FROM {table}") for table in COUNTED}

    async def happen(self) -> None:
        """See `Story.happen`."""
        await trio.sleep(1.0)
        self.say(PLACES[0], "answer")
        await trio.sleep(3_600.0)
        before = self.counts()
        assert before["epochs"] > 0
        await trio.sleep(WEEK)
        SEEN.append((before, self.counts()))


SEEN: list[tuple[dict[str, int], dict[str, int]]] = []


def test_an_idle_week_costs_no_call() -> None:
    SEEN.clear()
    outcome = run(0, make_story=IdleWeek)
    assert not outcome.problems, told(outcome)
    assert outcome.seconds >= WEEK
    ((before, after),) = SEEN
    assert after == before

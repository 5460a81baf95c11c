"""Sessions in good standing do not wait behind those that bring one bad file after the other."""

from __future__ import annotations

import math
import sys

import trio
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.link.customs import Customs
from nanoclaw.link.report import Quarantine, Report
from nanoclaw.link.standing import DOUBT_SECONDS, CustomsByStanding, Standings
from nanoclaw.link.workers import Programs
from nanoclaw.model.ids import SessionId
from tests.link.test_customs import GARBAGE, GREETING, HONEST, PATIENCE, until

GOOD, EVIL = SessionId("good"), SessionId("evil")
NEVER_ANSWERS = GREETING + "sys.stdout.flush(); time.sleep(1000)"


@given(st.lists(st.tuples(st.floats(0, 2 * DOUBT_SECONDS), st.booleans())))
def test_a_session_is_in_good_standing_after_a_clean_file_and_not_for_ten_minutes_after_another(
    files: list[tuple[float, bool]],
) -> None:
    standings, now, good_from = Standings(), 0.0, math.inf
    for pause, clean in files:
        now += pause
        standings.note(GOOD, now, clean=clean)
        if not clean:
            good_from = now + DOUBT_SECONDS
        elif good_from == math.inf:
            good_from = now
        for moment in (now, now + DOUBT_SECONDS / 2, good_from):
            assert standings.is_good(GOOD, moment) == (moment >= good_from)
            assert standings.is_doubted(GOOD, moment) == (moment < good_from)
        assert not standings.is_good(EVIL, now)
        assert not standings.is_doubted(EVIL, now)


def patient() -> CustomsByStanding:
    """Customs whose workers have all the time that they may need where the machine has more to do."""
    customs = CustomsByStanding()
    for pool in (customs.good, customs.doubted):
        pool.deadline = PATIENCE
    return customs


async def test_each_session_is_known_by_the_files_it_brought() -> None:
    customs = patient()
    async with trio.open_nursery() as nursery:
        await nursery.start(customs.run)
        assert isinstance(await customs.inspect(HONEST, after=0, session=GOOD), Report)
        assert isinstance(await customs.inspect(HONEST, after=0, session=EVIL), Report)
        assert isinstance(await customs.inspect(GARBAGE, after=0, session=EVIL), Quarantine)
        await until(lambda: customs.good.replaced == 1)
        assert customs.doubted.replaced == 0, "it was in good standing, once"
        for _ in range(3):
            assert isinstance(await customs.inspect(GARBAGE, after=0, session=EVIL), Quarantine)
        assert isinstance(await customs.inspect(HONEST, after=0, session=GOOD), Report)
        await until(lambda: customs.doubted.replaced == 3)
        assert customs.good.replaced == 1
        nursery.cancel_scope.cancel()


async def test_a_session_in_good_standing_does_not_wait_for_those_that_are_not() -> None:
    program = (sys.executable, "-I", "-c", NEVER_ANSWERS)
    customs = patient()
    customs.doubted = Customs(size=1, deadline=1000, source=Programs(program))
    customs._standings.note(GOOD, trio.current_time(), clean=True)
    async with trio.open_nursery() as nursery:
        await nursery.start(customs.run)
        for _ in range(20):
            nursery.start_soon(lambda: customs.inspect(GARBAGE, after=0, session=EVIL))
        with trio.fail_after(2 * PATIENCE):
            assert isinstance(await customs.inspect(HONEST, after=0, session=GOOD), Report)
        nursery.cancel_scope.cancel()


async def test_a_file_that_took_too_long_is_read_once_more_unless_its_session_is_doubted() -> None:
    program = (sys.executable, "-I", "-c", NEVER_ANSWERS)
    customs = patient()
    customs.good = Customs(size=1, deadline=0.1, source=Programs(program))
    customs._standings.note(GOOD, trio.current_time(), clean=True)
    async with trio.open_nursery() as nursery:
        await nursery.start(customs.run)
        assert isinstance(await customs.inspect(HONEST, after=0, session=GOOD), Report)
        await until(lambda: customs.good.replaced == 1)
        customs.doubted.deadline = 0
        customs._standings.note(EVIL, trio.current_time(), clean=False)
        found = await customs.inspect(HONEST, after=0, session=EVIL)
        assert found == Quarantine(reason="deadline", detail="not read within 0 s")
        await until(lambda: customs.doubted.replaced == 1)
        nursery.cancel_scope.cancel()

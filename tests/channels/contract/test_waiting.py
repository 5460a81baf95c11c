"""Every adapter: what a platform leaves unanswered, or puts off, is said once, and holds up nobody else.

Trio's clock is fast here, so that half a minute is a second: an adapter waits as long as it always does.
"""

from __future__ import annotations

import pytest
import trio.testing

from nanoclaw.model.messages import LedgerState
from tests.channels.contract.house import ContractHouse
from tests.channels.contract.rig import Trouble
from tests.channels.contract.rigs import kinds, kinds_in

RATE = 20.0
MINUTE = 60.0
AN_HOUR = 60
SPEAK_DEAF = {"email"}
"""Kinds that speak also while they do not hear, each time anew."""


@pytest.fixture
def fast_clock() -> trio.testing.MockClock:
    """Real sockets, and a time of their own."""
    return trio.testing.MockClock(rate=RATE)


@pytest.mark.parametrize(("house", "trouble"), kinds_in([Trouble.HANGS, Trouble.HELD]), indirect=["house"], ids=str)
async def test_what_is_never_answered_is_said_once_and_holds_up_nobody_else(
    house: ContractHouse, fast_clock: trio.testing.MockClock, trouble: Trouble
) -> None:
    house.patience = 200.0
    async with house.living():
        house.rig.script(trouble)
        group = house.say("to all of you")
        next_one = house.say("and then")
        direct = house.say("to you alone", chat=house.rig.direct)
        await house.until(lambda: LedgerState.DELIVERED in {house.row(group).state, house.row(direct).state})
        # One of them was left unanswered, and the other did not wait for it.
        assert LedgerState.SENDING in {house.row(group).state, house.row(direct).state}
        for row in (group, next_one, direct):
            found = await house.settled(row)
            assert found.state is LedgerState.DELIVERED, found.error
        texts = [[one.text.strip() for one in house.rig.shown(chat)] for chat in (house.rig.chat, house.rig.direct)]
    if trouble is Trouble.HELD and not house.channel.keyed:
        texts = [list(dict.fromkeys(shown)) for shown in texts]
    assert texts == [["to all of you", "and then"], ["to you alone"]]


async def test_one_chat_that_has_to_wait_holds_up_no_other(house: ContractHouse) -> None:
    async with house.living():
        house.rig.script(Trouble.BUSY)
        rows = [house.say("to all of you"), house.say("to you alone", chat=house.rig.direct)]
        await house.until(lambda: LedgerState.DELIVERED in {house.row(row).state for row in rows})
        (waits,) = [row for row in rows if house.row(row).state is not LedgerState.DELIVERED]
        assert house.row(waits).state in {LedgerState.PENDING, LedgerState.SENDING}
        found = await house.settled(waits)
    assert found.state is LedgerState.DELIVERED, found.error
    assert found.attempts == 1, "to have asked too often is no attempt"


@pytest.mark.parametrize("house", [one for one in kinds() if one not in SPEAK_DEAF], indirect=True)
async def test_what_waited_for_a_channel_for_an_hour_is_said_in_order(
    house: ContractHouse, fast_clock: trio.testing.MockClock
) -> None:
    house.patience = 200.0
    rows = []

    async def an_hour_passes() -> None:
        for number in range(6):
            rows.append(house.say(f"number {number}"))
            for _ in range(AN_HOUR // 6):
                await trio.testing.wait_all_tasks_blocked()
                fast_clock.jump(MINUTE)
        assert {house.row(row).state for row in rows} <= {LedgerState.PENDING, LedgerState.SENDING}

    async with house.living(an_hour_passes):
        found = [await house.settled(row) for row in rows]
        shown = [one.text.strip() for one in house.rig.shown(house.rig.chat)]
    assert {(one.state, one.attempts) for one in found} == {(LedgerState.DELIVERED, 1)}
    assert shown == [f"number {number}" for number in range(6)]

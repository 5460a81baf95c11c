"""Every adapter: what is told a hundred times at once is one message, and what was missed in a long gap comes whole."""

from __future__ import annotations

import pytest
import trio

from tests.channels.contract.house import ContractHouse
from tests.channels.contract.rig import Can
from tests.channels.contract.rigs import kinds

TIMES = 100
FEW = 40
"""As many calls as a platform that calls us repeats until we are there again."""


async def test_what_is_told_a_hundred_times_at_once_is_one_message(house: ContractHouse) -> None:
    async with house.living():
        await house.heard(await house.rig.say("once"))
        async with trio.open_nursery() as nursery:
            for _ in range(TIMES):
                nursery.start_soon(house.rig.tell_again)
        await house.heard(await house.rig.say("and on"))
    assert house.stored() == ["once", "and on"]


@pytest.mark.parametrize("house", kinds(Can.GAPS), indirect=True)
@pytest.mark.parametrize("many", [120, pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(300)])])
async def test_what_was_said_in_a_long_gap_is_heard_whole_once_and_in_order(house: ContractHouse, many: int) -> None:
    calls_us = Can.GROUPS not in house.rig.can
    texts = [f"number {number}" for number in range(min(many, FEW) if calls_us else many)]
    house.patience = 120.0
    async with house.living():
        await house.heard(await house.rig.say("before"))
    said = [await house.rig.say(text) for text in texts]
    async with house.living():
        await house.heard(*said)
        await house.rig.drop()
        await house.heard(await house.rig.say("after"))
    stored = house.stored()
    if calls_us:  # each call is made apart from the others
        stored[1:-1] = sorted(stored[1:-1], key=lambda text: int(text.split()[-1]))
    assert stored == ["before", *texts, "after"]

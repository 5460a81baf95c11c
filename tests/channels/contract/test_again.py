"""Every adapter: told again by two at once, in any order, or after a death between storing and saying so."""

from __future__ import annotations

import random

import pytest
import trio

from nanoclaw.model.messages import InboundEvent, Revision
from tests.channels.contract.house import ContractHouse
from tests.channels.contract.rig import Can
from tests.channels.contract.rigs import kinds

TIMES = 100


async def test_who_dies_between_storing_a_message_and_saying_so_stores_it_once_and_says_so_later(
    house: ContractHouse,
) -> None:
    async with house.living():
        await house.heard(await house.rig.say("before"))
    async with trio.open_nursery() as nursery:
        said: list[str] = []

        async def say() -> None:
            said.append(await house.rig.say("once"))

        house.dies_at = "once"
        async with house.living():
            # A platform that calls us waits for the answer.
            nursery.start_soon(say)
            await house.until(lambda: "once" in house.stored())
            assert not (said and house.rig.is_acknowledged(said[0]))
        house.dies_at = None
        async with house.living():
            await house.until(lambda: said)
            await house.heard(await house.rig.say("after"))
            if house.rig.is_acknowledged(said[0]) is not None:
                await house.until(lambda: house.rig.is_acknowledged(said[0]))
    assert house.stored() == ["before", "once", "after"]


async def test_what_two_tell_a_hundred_times_in_any_order_is_one_message_each(house: ContractHouse) -> None:
    async with house.living():
        message = await house.rig.say("first")
        await house.heard(message, *[await house.rig.say(f"number {number}") for number in range(5)])
        if Can.EDITS in house.rig.can:
            await house.rig.edit(message, "changed")
            await house.until(lambda: any(isinstance(one, Revision) for one in house.told))
        before, told = house.stored(), list(house.told)
        again = [one for one in told for _ in range(TIMES)]
        async with trio.open_nursery() as nursery:
            for seed in (1, 2):
                nursery.start_soon(house.take, random.Random(seed).sample(again, len(again)))
    assert house.stored() == before
    assert sorted(before)[-5:] == [f"number {number}" for number in range(5)]


@pytest.mark.parametrize("house", kinds(Can.EDITS), indirect=True)
async def test_a_change_that_is_told_before_its_message_makes_no_second_one(house: ContractHouse) -> None:
    async with house.living():
        message = await house.rig.say("first")
        await house.heard(message)
        await house.rig.edit(message, "changed")
        await house.until(lambda: any(isinstance(one, Revision) for one in house.told))
        told = list(house.told)
    other = ContractHouse(house.rig, house.folder, house.name)
    change = [one for one in told if isinstance(one, Revision)]
    said = [one for one in told if isinstance(one, InboundEvent)]
    other.channel = house.channel
    await other.take([*change, *said, *change])
    assert other.stored() == ["changed"]

"""Every adapter: what is not said to us is told where an agent listens to it, and nowhere else."""

from __future__ import annotations

import pytest

from nanoclaw.model.entities import EngageMode
from tests.channels.contract.house import ContractHouse
from tests.channels.contract.rig import Can
from tests.channels.contract.rigs import kinds


@pytest.mark.parametrize("house", kinds(Can.GROUPS), indirect=True)
async def test_a_quiet_group_is_told_of_only_what_is_said_to_us_until_somebody_listens(house: ContractHouse) -> None:
    files = {"cat.png": b"meow"} if Can.FILES_IN in house.rig.can else None
    async with house.living():
        house.listen(EngageMode.MENTION)
        await house.heard(await house.rig.say("you there"))
        await house.rig.say("among ourselves", mention=False, files=files)
        await house.heard(await house.rig.say("you again"))
        house.listen(EngageMode.PATTERN)
        await house.heard(await house.rig.say("is anybody there", mention=False))
    texts = [event.text for event in house.events()]
    assert texts == ["you there", "you again", "is anybody there"]
    assert house.stored() == texts
    assert list(house.folder.iterdir()) == [], "no file was fetched"


@pytest.mark.parametrize("house", kinds(Can.GROUPS, Can.THREADS), indirect=True)
async def test_a_thread_that_an_agent_sticks_to_is_told_of_and_the_chat_around_it_is_not(house: ContractHouse) -> None:
    async with house.living():
        house.listen(EngageMode.MENTION_STICKY)
        (first,) = await house.heard(await house.rig.say("you there"))
        thread = first.thread_id or "7"
        if first.thread_id is None:
            await house.heard(await house.rig.say("and here", thread=thread))
        await house.rig.say("among ourselves", mention=False)
        await house.heard(await house.rig.say("goes on", thread=thread, mention=False))
    assert "among ourselves" not in [event.text for event in house.events()]
    assert house.stored()[-1] == "goes on"

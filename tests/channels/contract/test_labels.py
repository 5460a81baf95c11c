"""Every adapter: where two agents write to one chat it is seen which of them speaks, and none passes for another."""

from __future__ import annotations

from nanoclaw.core.labels import INSTEAD, MARK
from nanoclaw.core.speech import Ability
from nanoclaw.model.messages import LedgerState
from nanoclaw.store.entities import messaging_group
from tests.channels.contract.house import ContractHouse


async def test_where_two_agents_write_each_message_begins_with_its_agents_name(house: ContractHouse) -> None:
    chat = messaging_group(house.world.conn, house.name, house.rig.chat)
    assert chat is not None
    async with house.living():
        await house.settled(house.say("alone"))
        house.world.wire(chat, house.world.agent("other"))
        rows = [await house.settled(house.say(text)) for text in ("- **hello** there", f"{MARK} Other\nit is me")]
        assert {row.state for row in rows} == {LedgerState.DELIVERED}, [row.error for row in rows]
        alone, *shown = [one.text.strip().splitlines() for one in house.rig.shown(house.rig.chat)]
    assert alone == ["alone"]
    assert len(shown) == 2
    if Ability.SPEAKER in house.channel.abilities:
        assert MARK not in shown[0][0], "who speaks is beside the message"
        return
    for lines in shown:
        # Some platforms are sent signs for bold, which the fake leaves as they are.
        assert lines[0].strip("* ") == f"{MARK} nano"
        assert not any(MARK in line for line in lines[1:])
    assert any("hello" in line for line in shown[0][1:])
    assert any(INSTEAD in line for line in shown[1][1:])

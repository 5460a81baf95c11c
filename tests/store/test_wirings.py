"""Wirings: who hears which chat."""

from __future__ import annotations

import pytest
from attrs import evolve

from nanoclaw.model.ids import AgentGroupId, MessagingGroupId, WiringId
from nanoclaw.store import wirings
from schema.sqlite import ConstraintError
from tests.support.central import NOW, World


def test_wirings_are_listed_with_the_most_important_first() -> None:
    world = World()
    chat, elsewhere = world.chat(), world.chat("elsewhere")
    low, high, same = (world.agent(name) for name in ("a-low", "z-high", "b-low"))
    world.wire(elsewhere, low, priority=9)
    made = [world.wire(chat, same), world.wire(chat, high, priority=5), world.wire(chat, low)]
    here = [wiring for wiring in wirings.wirings(world.conn) if wiring.messaging_group_id == chat.id]
    assert here == [made[1], made[2], made[0]]
    assert sorted(wirings.wirings_of(world.conn, chat.id), key=made.index) == made


def test_an_agent_is_wired_to_a_chat_once() -> None:
    world = World()
    wiring = world.wire(world.chat(), world.agent())
    with pytest.raises(ConstraintError):
        wirings.add_wiring(world.conn, evolve(wiring, id=WiringId("another")), now=NOW)


def test_a_wiring_joins_what_exists() -> None:
    world = World()
    wiring = evolve(world.wire(world.chat(), world.agent()), id=WiringId("another"))
    for dangling in (
        evolve(wiring, messaging_group_id=MessagingGroupId("nobody")),
        evolve(wiring, agent_group_id=AgentGroupId("nobody")),
    ):
        with pytest.raises(ConstraintError):
            wirings.add_wiring(world.conn, dangling, now=NOW)

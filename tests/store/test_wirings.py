"""Wirings: who hears which chat."""

from __future__ import annotations

import pytest
from attrs import evolve

from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, SenderScope, SessionMode
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId, WiringId
from nanoclaw.store import destinations, sessions, wirings
from nanoclaw.store.events import Accepted
from schema.sqlite import ConstraintError
from tests.support.central import NOW, World, always, said


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


def test_a_wiring_says_what_it_was_told_last_and_stays_where_it_is() -> None:
    world = World()
    chat, elsewhere = world.chat(), world.chat("elsewhere")
    wiring, other = world.wire(chat, world.agent()), world.wire(chat, world.agent("other"))
    changed = evolve(
        wiring,
        engage_mode=EngageMode.MENTION_STICKY,
        engage_pattern=None,
        sender_scope=SenderScope.KNOWN,
        ignored_message_policy=IgnoredMessagePolicy.ACCUMULATE,
        session_mode=SessionMode.AGENT_SHARED,
        priority=-3,
    )
    moved = evolve(changed, messaging_group_id=elsewhere.id, agent_group_id=other.agent_group_id, created_at=NOW)
    wirings.update_wiring(world.conn, moved)
    assert wirings.wirings(world.conn) == [other, changed]


@pytest.mark.parametrize(("mode", "pattern"), [(EngageMode.PATTERN, None), (EngageMode.MENTION, ".")])
def test_a_wiring_has_a_pattern_if_it_engages_by_one(mode: EngageMode, pattern: str | None) -> None:
    world = World()
    wiring = evolve(always("w", world.chat().id, world.agent().id), engage_mode=mode, engage_pattern=pattern)
    with pytest.raises(ConstraintError):
        wirings.add_wiring(world.conn, wiring, now=NOW)


def test_an_agent_that_is_no_longer_wired_hears_nothing_and_says_nothing_there() -> None:
    world = World()
    chat = world.chat()
    gone, stays = world.wire(chat, world.agent()), world.wire(chat, world.agent("other"))
    wirings.delete_wiring(world.conn, gone)
    assert wirings.wirings(world.conn) == [stays]
    verdict = world.accept(said(1))
    assert isinstance(verdict, Accepted)
    assert [place.agent_group_id for place in sessions.sessions(world.conn)] == ["agt-other"]
    assert destinations.addresses(world.conn, gone.agent_group_id) == {}

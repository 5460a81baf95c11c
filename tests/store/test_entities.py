"""Agent groups, chats, wirings, users and sessions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, SessionId, UserId, WiringId
from nanoclaw.store import entities
from schema.sqlite import ConstraintError, fetch
from tests.support.central import NOW, World

ADA = UserId("test:ada")


def test_a_home_keeps_the_id_of_its_first_start() -> None:
    world = World()
    assert entities.install_id(world.conn, fresh="one", now=NOW) == "one"
    assert entities.install_id(world.conn, fresh="two", now=NOW + timedelta(days=1)) == "one"
    assert fetch(world.conn, "SELECT * FROM home") == [
        {"only": 1, "install_id": "one", "created_at": "2026-04-16T14:37:00.000Z"}
    ]


def test_agent_groups_are_listed_by_name() -> None:
    world = World()
    zoe, ann = world.agent("zoe"), world.agent("ann")
    assert entities.agent_groups(world.conn) == [ann, zoe]


def test_two_agents_never_share_a_folder() -> None:
    world = World()
    first = world.agent()
    with pytest.raises(ConstraintError):
        entities.add_agent_group(world.conn, evolve(first, id=AgentGroupId("another")))
    assert entities.agent_groups(world.conn) == [first]


def test_a_chat_is_found_by_its_channel_and_its_platforms_id() -> None:
    world = World()
    here, there = world.chat("room"), world.chat("room", channel="other")
    assert entities.messaging_group(world.conn, ChannelName("test"), "room") == here
    assert entities.messaging_group(world.conn, ChannelName("other"), "room") == there
    assert entities.messaging_group(world.conn, ChannelName("test"), "Room") is None


def test_a_channel_has_a_chat_once() -> None:
    world = World()
    chat = world.chat()
    with pytest.raises(ConstraintError):
        entities.add_messaging_group(world.conn, evolve(chat, id=MessagingGroupId("another")))


def test_wirings_are_listed_with_the_most_important_first() -> None:
    world = World()
    chat, elsewhere = world.chat(), world.chat("elsewhere")
    low, high, same = (world.agent(name) for name in ("a-low", "z-high", "b-low"))
    world.wire(elsewhere, low, priority=9)
    wirings = [world.wire(chat, same), world.wire(chat, high, priority=5), world.wire(chat, low)]
    assert entities.wirings_of(world.conn, chat.id) == [wirings[1], wirings[2], wirings[0]]


def test_an_agent_is_wired_to_a_chat_once() -> None:
    world = World()
    wiring = world.wire(world.chat(), world.agent())
    with pytest.raises(ConstraintError):
        entities.add_wiring(world.conn, evolve(wiring, id=WiringId("another")))


def test_a_wiring_joins_what_exists() -> None:
    world = World()
    wiring = evolve(world.wire(world.chat(), world.agent()), id=WiringId("another"))
    for dangling in (
        evolve(wiring, messaging_group_id=MessagingGroupId("nobody")),
        evolve(wiring, agent_group_id=AgentGroupId("nobody")),
    ):
        with pytest.raises(ConstraintError):
            entities.add_wiring(world.conn, dangling)


def test_a_user_keeps_the_first_day_and_gets_the_latest_name() -> None:
    world = World()
    for days, name in enumerate(["Ada", "Ada", "Countess Lovelace"]):
        entities.note_user(world.conn, ADA, name, now=NOW + timedelta(days=days))
    assert fetch(world.conn, "SELECT * FROM users") == [
        {"id": ADA, "display_name": "Countess Lovelace", "first_seen": "2026-04-16T14:37:00.000Z"}
    ]


def test_noting_a_user_again_by_the_same_name_writes_nothing() -> None:
    world = World()
    entities.note_user(world.conn, ADA, "Ada", now=NOW)
    before = world.conn.total_changes()
    entities.note_user(world.conn, ADA, "Ada", now=NOW)
    assert world.conn.total_changes() == before


def test_a_wiring_has_one_session_made_when_it_is_first_needed() -> None:
    world = World()
    chat = world.chat()
    first, second = (world.wire(chat, world.agent(name)) for name in ("one", "two"))
    assert entities.sessions(world.conn) == []
    mine = entities.session_for(world.conn, first, mint=world.mint, now=NOW)
    assert entities.session_for(world.conn, first, mint=world.mint, now=NOW + timedelta(days=1)) == mine
    other = entities.session_for(world.conn, second, mint=world.mint, now=NOW + timedelta(seconds=1))
    assert other != mine
    assert [session.id for session in entities.sessions(world.conn)] == [mine, other]
    assert [session.created_at for session in entities.sessions(world.conn)] == [NOW, NOW + timedelta(seconds=1)]


def test_a_sessions_place_is_its_agent_and_its_chat() -> None:
    world = World()
    chat, agent = world.chat(), world.agent()
    session = entities.session_for(world.conn, world.wire(chat, agent), mint=world.mint, now=NOW)
    place = entities.session_place(world.conn, session)
    assert place is not None
    assert (place.session.id, place.agent_group, place.messaging_group) == (session, agent, chat)
    assert place.session.provider_state == "{}"


def test_a_session_that_is_not_there_has_no_place() -> None:
    assert entities.session_place(World().conn, SessionId("nobody")) is None


def test_what_a_runner_saves_is_its_own_sessions() -> None:
    world = World()
    mine, other = world.session("one", room="a"), world.session("two", room="b")
    entities.save_provider_state(world.conn, mine, '{"continuation:demo": "7"}')
    states = {session.id: session.provider_state for session in entities.sessions(world.conn)}
    assert states == {mine: '{"continuation:demo": "7"}', other: "{}"}

"""Agent groups, chats, wirings, users and sessions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId
from nanoclaw.store import entities
from schema.sqlite import ConstraintError, fetch
from tests.support.central import NOW, World


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

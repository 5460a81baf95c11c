"""What the first start puts into an empty home."""

from __future__ import annotations

from nanoclaw.model.ids import ChannelName
from nanoclaw.store import entities
from nanoclaw.store.events import Accepted
from nanoclaw.store.setup import first_agent
from tests.support.central import NOW, World, everything, said


def start(world: World, *, name: str = "Nano") -> bool:
    """A host's start."""
    return first_agent(
        world.conn, name=name, channel=ChannelName("terminal"), platform_id="local", mint=world.mint, now=world.now
    )


def test_an_empty_home_gets_an_agent_that_hears_the_terminal() -> None:
    world = World()
    assert start(world)
    [agent] = entities.agent_groups(world.conn)
    assert (agent.name, agent.folder, agent.created_at) == ("Nano", "main", NOW)
    chat = entities.messaging_group(world.conn, ChannelName("terminal"), "local")
    assert chat is not None
    assert (chat.name, chat.is_group) == ("Terminal", False)
    [wiring] = entities.wirings_of(world.conn, chat.id)
    assert wiring.agent_group_id == agent.id
    assert isinstance(world.accept(said(1, room="local", channel="terminal")), Accepted)


def test_a_second_start_changes_nothing() -> None:
    world = World()
    start(world)
    before = everything(world.conn)
    world.wait(seconds=60)
    assert not start(world, name="Another")
    assert everything(world.conn) == before


def test_a_home_with_an_agent_of_its_own_gets_none() -> None:
    world = World()
    world.agent("mine")
    before = everything(world.conn)
    assert not start(world)
    assert everything(world.conn) == before

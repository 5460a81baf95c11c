"""What the first start puts into an empty home."""

from __future__ import annotations

from nanoclaw.model.ids import ChannelName, RoleId, UserId
from nanoclaw.model.rights import Grant, Role
from nanoclaw.store import entities, people, wirings
from nanoclaw.store.events import Accepted, Ignored
from nanoclaw.store.setup import Operator, first_start
from tests.support.central import NOW, World, everything, said

OPERATOR = Operator(user=UserId("terminal:ada"), name="Ada", channel=ChannelName("terminal"), platform_id="local")


def start(world: World, *, name: str = "Nano") -> bool:
    """A host's start."""
    return first_start(world.conn, agent=name, operator=OPERATOR, mint=world.mint, now=world.now)


def test_an_empty_home_gets_an_agent_that_hears_the_terminal() -> None:
    world = World()
    assert start(world)
    [agent] = entities.agent_groups(world.conn)
    assert (agent.name, agent.folder, agent.created_at) == ("Nano", "main", NOW)
    chat = entities.messaging_group(world.conn, ChannelName("terminal"), "local")
    assert chat is not None
    assert (chat.name, chat.is_group) == ("Terminal", False)
    [wiring] = wirings.wirings_of(world.conn, chat.id)
    assert wiring.agent_group_id == agent.id
    assert isinstance(world.accept(said(1, room="local", channel="terminal")), Accepted)


def test_a_second_start_changes_nothing() -> None:
    world = World()
    start(world)
    before = everything(world.conn)
    world.wait(seconds=60)
    assert not start(world, name="Another")
    assert everything(world.conn) == before


def test_a_home_with_an_agent_of_its_own_gets_none_and_an_owner_if_it_had_none() -> None:
    world = World()
    mine = world.agent("mine")
    assert not start(world)
    assert entities.agent_groups(world.conn) == [mine]
    [owner] = people.grants(world.conn)
    assert (owner.user_id, owner.role, owner.agent_group_id) == (OPERATOR.user, Role.OWNER, None)


def test_whoever_starts_a_home_owns_it_beside_other_owners_until_that_is_taken_from_them() -> None:
    world = World()
    world.agent("mine")
    owner = Grant(
        id=RoleId("role-eve"),
        user_id=world.user("eve"),
        role=Role.OWNER,
        agent_group_id=None,
        granted_by=None,
        granted_at=world.now,
    )
    people.grant(world.conn, owner)
    start(world)
    assert {given.user_id for given in people.grants(world.conn)} == {owner.user_id, OPERATOR.user}
    people.revoke(world.conn, OPERATOR.user, Role.OWNER, None)
    start(world)
    assert people.grants(world.conn) == [owner]


def test_a_home_that_was_imported_knows_the_terminal_and_wires_it_to_nobody() -> None:
    world = World()
    world.agent("mine")
    assert not start(world)
    [chat] = entities.messaging_groups(world.conn)
    assert (chat.channel, chat.platform_id) == (OPERATOR.channel, OPERATOR.platform_id)
    assert wirings.wirings(world.conn) == []


def test_the_first_agent_hears_nobody_else_at_the_terminal() -> None:
    world = World()
    start(world)
    stranger = world.accept(said(1, room="local", channel="terminal", sender="Mallory"))
    assert isinstance(stranger, Ignored)
    assert stranger.reason == "unknown-sender"

"""Destinations: made by wirings and by people, shown to running sessions at once."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.destinations import agent_place, name_of
from nanoclaw.model.entities import AgentGroup, MessagingGroup
from nanoclaw.model.ids import AgentGroupId, EpochNumber, MessagingGroupId, SessionId
from nanoclaw.model.messages import Address
from nanoclaw.store import destinations, entities, projection, wirings
from nanoclaw.store.destinations import MadeBy, StoredDestination
from nanoclaw.store.sessions import session_place
from schema.rows import Destination, DestinationType
from schema.sqlite import ConstraintError
from tests.support.central import CHANNEL, NOW, World, always, said


def to_chat(agent: AgentGroup, chat: MessagingGroup, name: str, by: MadeBy = MadeBy.OPERATOR) -> StoredDestination:
    """A name for a chat."""
    return StoredDestination(
        agent_group_id=agent.id,
        name=name,
        messaging_group_id=chat.id,
        target_agent_group_id=None,
        made_by=by,
        created_at=NOW,
    )


def to_agent(agent: AgentGroup, target: AgentGroup, name: str) -> StoredDestination:
    """A name for another agent."""
    return StoredDestination(
        agent_group_id=agent.id,
        name=name,
        messaging_group_id=None,
        target_agent_group_id=target.id,
        made_by=MadeBy.OPERATOR,
        created_at=NOW,
    )


def names(world: World, agent: AgentGroup) -> list[str]:
    """What an agent may write to."""
    return [shown.name for shown in destinations.shown(world.conn, agent.id)]


class Running:
    """A session that runs, and what it has been shown."""

    def __init__(self, world: World, session: SessionId) -> None:
        place = session_place(world.conn, session)
        assert place is not None
        self._world, self._place = world, place
        self._tick = 0
        self.look()

    def look(self) -> list[str] | None:
        """What it is shown now; None if its destinations have not changed."""
        changes = projection.changes(self._world.conn, self._place, EpochNumber(1), self._tick)
        self._tick = changes.tick
        return None if changes.destinations is None else [shown.name for shown in changes.destinations]


def running(world: World) -> tuple[Running, AgentGroup]:
    """A session of one agent, which hears the room."""
    agent = world.agent()
    session = world.session_of(world.wire(world.chat(), agent))
    return Running(world, session), agent


def test_a_wiring_makes_its_destination_named_after_its_chat() -> None:
    world = World()
    agent = world.agent()
    chat = world.chat("Team Ops!")
    world.wire(chat, agent)
    assert destinations.stored(world.conn) == [to_chat(agent, chat, "team-ops", MadeBy.WIRING)]


def test_chats_of_one_name_get_numbers_and_agents_do_not_disturb_each_other() -> None:
    world = World()
    one, two = world.agent("one"), world.agent("two")
    chats = [evolve(world.chat(room), name="Team") for room in ("a", "b", "c")]
    for chat in chats:
        entities.update_messaging_group(world.conn, chat)
        world.wire(chat, one)
    world.wire(chats[2], two)
    assert names(world, one) == ["team", "team-2", "team-3"]
    assert names(world, two) == ["team"]


def test_a_number_that_was_freed_is_given_again() -> None:
    world = World()
    agent = world.agent()
    made = []
    for room in ("a", "b", "c"):
        chat = evolve(world.chat(room), name="Team")
        entities.update_messaging_group(world.conn, chat)
        made.append(world.wire(chat, agent))
    wirings.delete_wiring(world.conn, made[1])
    assert names(world, agent) == ["team", "team-3"]
    wirings.add_wiring(world.conn, made[1], now=NOW)
    assert names(world, agent) == ["team", "team-2", "team-3"]


def test_a_chat_that_a_person_has_named_keeps_that_name_when_it_is_wired_and_unwired() -> None:
    world = World()
    agent, chat = world.agent(), world.chat()
    destinations.add(world.conn, to_chat(agent, chat, "the-boss"))
    wiring = world.wire(chat, agent)
    assert names(world, agent) == ["the-boss"]
    assert destinations.of_wiring(world.conn, agent.id, chat.id, now=NOW) == "the-boss"
    wirings.delete_wiring(world.conn, wiring)
    assert destinations.stored(world.conn) == [to_chat(agent, chat, "the-boss")]


def test_a_wiring_that_goes_takes_its_own_name_and_no_other() -> None:
    world = World()
    agent, other = world.agent(), world.agent("other")
    room, elsewhere = world.chat(), world.chat("elsewhere")
    gone = world.wire(room, agent)
    for chat, group in ((elsewhere, agent), (room, other)):
        world.wire(chat, group)
    destinations.add(world.conn, to_agent(agent, other, "colleague"))
    wirings.delete_wiring(world.conn, gone)
    assert names(world, agent) == ["colleague", "elsewhere"]
    assert names(world, other) == ["room"]


@pytest.mark.parametrize("name", ["room", "another"])
def test_a_name_means_one_thing_and_a_thing_has_one_name(name: str) -> None:
    world = World()
    agent, room, elsewhere = world.agent(), world.chat(), world.chat("elsewhere")
    world.wire(room, agent)
    clash = to_chat(agent, elsewhere if name == "room" else room, name)
    with pytest.raises(ConstraintError):
        destinations.add(world.conn, clash)


def test_a_destination_is_one_chat_or_one_agent_that_exists() -> None:
    world = World()
    agent, room = world.agent(), world.chat()
    for nowhere in (
        evolve(to_chat(agent, room, "x"), messaging_group_id=None),
        evolve(to_chat(agent, room, "x"), target_agent_group_id=agent.id),
        evolve(to_chat(agent, room, "x"), messaging_group_id=MessagingGroupId("nobody")),
        evolve(to_chat(agent, room, "x"), agent_group_id=AgentGroupId("nobody")),
    ):
        with pytest.raises(ConstraintError):
            destinations.add(world.conn, nowhere)


def test_agents_are_shown_where_each_name_leads() -> None:
    world = World()
    agent, other = world.agent(), world.agent("other")
    world.wire(world.chat(), agent)
    destinations.add(world.conn, to_agent(agent, other, "colleague"))
    assert destinations.shown(world.conn, agent.id) == (
        Destination(
            name="colleague",
            display_name="other",
            type=DestinationType.AGENT,
            channel_type=None,
            platform_id=None,
            agent_group_id=other.id,
        ),
        Destination(
            name="room",
            display_name="Room",
            type=DestinationType.CHANNEL,
            channel_type=CHANNEL,
            platform_id="room",
            agent_group_id=None,
        ),
    )
    assert destinations.addresses(world.conn, agent.id) == {
        "colleague": agent_place(other.id),
        "room": Address(channel=CHANNEL, platform_id="room"),
    }


def test_a_running_session_is_shown_each_change_of_its_destinations_once() -> None:
    world = World()
    session, agent = running(world)
    elsewhere = world.chat("elsewhere")
    assert session.look() is None
    destinations.add(world.conn, to_chat(agent, elsewhere, "b"))
    assert session.look() == ["b", "room"]
    assert session.look() is None
    destinations.remove(world.conn, agent.id, "b")
    assert session.look() == ["room"]
    wirings.add_wiring(world.conn, always("w", elsewhere.id, agent.id), now=NOW)
    assert session.look() == ["elsewhere", "room"]
    wirings.delete_wiring(world.conn, always("w", elsewhere.id, agent.id))
    assert session.look() == ["room"]
    assert session.look() is None


def test_a_running_session_is_shown_that_what_it_writes_to_has_another_name() -> None:
    world = World()
    session, agent = running(world)
    other = world.agent("other")
    destinations.add(world.conn, to_agent(agent, other, "colleague"))
    session.look()
    entities.rename_agent_group(world.conn, other.id, "Renamed")
    assert session.look() == ["colleague", "room"]
    entities.update_messaging_group(world.conn, evolve(room_of(world), name="Renamed"))
    assert session.look() == ["colleague", "room"]
    assert {shown.display_name for shown in destinations.shown(world.conn, agent.id)} == {"Renamed"}


def room_of(world: World) -> MessagingGroup:
    """The one chat there is."""
    [room] = entities.messaging_groups(world.conn)
    return room


def test_what_does_not_concern_an_agent_is_not_shown_to_its_sessions() -> None:
    world = World()
    session, _ = running(world)
    other = world.agent("other")
    world.wire(world.chat("elsewhere"), other)
    destinations.add(world.conn, to_chat(other, world.chat("third"), "third"))
    world.accept(said(1))
    assert session.look() is None


@given(st.lists(st.tuples(st.sampled_from(["Team", "team!", "Ops", "Ops 2", "…", "Café"]), st.booleans()), max_size=8))
def test_any_chats_wired_and_unwired_leave_every_wiring_its_own_tidy_name(steps: list[tuple[str, bool]]) -> None:
    world = World()
    agent = world.agent()
    wired: dict[MessagingGroupId, str] = {}
    for number, (name, stays) in enumerate(steps):
        chat = evolve(world.chat(str(number)), name=name)
        entities.update_messaging_group(world.conn, chat)
        wiring = world.wire(chat, agent)
        if stays:
            wired[chat.id] = name
        else:
            wirings.delete_wiring(world.conn, wiring)
    found = {each.messaging_group_id: each.name for each in destinations.stored(world.conn)}
    assert set(found) == set(wired)
    assert len(set(found.values())) == len(found)
    for chat_id, name in wired.items():
        assert found[chat_id].startswith(name_of(name))

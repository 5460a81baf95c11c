"""Sessions: one for each key, made when first needed."""

from __future__ import annotations

from datetime import timedelta

import attrs

from nanoclaw.model.ids import SessionId
from nanoclaw.store import sessions
from tests.support.central import NOW, World


def test_a_wiring_has_one_session_made_when_it_is_first_needed() -> None:
    world = World()
    chat = world.chat()
    first, second = (world.wire(chat, world.agent(name)) for name in ("one", "two"))
    assert sessions.sessions(world.conn) == []
    mine = world.session_of(first)
    assert world.session_of(first) == mine
    world.wait(seconds=1)
    other = world.session_of(second)
    assert other != mine
    assert [session.id for session in sessions.sessions(world.conn)] == [mine, other]
    assert [session.created_at for session in sessions.sessions(world.conn)] == [NOW, NOW + timedelta(seconds=1)]


def test_a_sessions_place_is_its_agent_and_its_chat() -> None:
    world = World()
    chat, agent = world.chat(), world.agent()
    session = world.session_of(world.wire(chat, agent))
    place = sessions.session_place(world.conn, session)
    assert place is not None
    assert (place.session.id, place.agent_group, place.messaging_group) == (
        session,
        attrs.evolve(agent, shown=place.agent_group.shown),
        chat,
    )
    assert place.session.provider_state == "{}"


def test_a_session_that_is_not_there_has_no_place() -> None:
    assert sessions.session_place(World().conn, SessionId("nobody")) is None


def test_what_a_runner_saves_is_its_own_sessions() -> None:
    world = World()
    mine, other = world.session("one", room="a"), world.session("two", room="b")
    sessions.save_provider_state(world.conn, mine, '{"continuation:demo": "7"}')
    states = {session.id: session.provider_state for session in sessions.sessions(world.conn)}
    assert states == {mine: '{"continuation:demo": "7"}', other: "{}"}

"""Sessions: one for each key, made when first needed."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.model.entities import SessionKey
from nanoclaw.model.ids import SessionId
from nanoclaw.store import sessions
from schema.sqlite import ConstraintError
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


places = st.tuples(st.sampled_from("ab"), st.sampled_from(["room", "hall", None]), st.sampled_from(["t", None]))


@given(st.lists(places))
def test_an_agent_a_chat_and_a_thread_have_one_session(keys: list[tuple[str, str | None, str | None]]) -> None:
    world = World()
    chats = {room: world.chat(room).id for room in ("room", "hall")}
    agents = {name: world.agent(name).id for name in "ab"}
    made: dict[SessionKey, SessionId] = {}
    for name, room, thread in keys:
        key = SessionKey(
            agent_group_id=agents[name],
            messaging_group_id=None if room is None else chats[room],
            thread_id=None if room is None else thread,
        )
        session = sessions.session_for(world.conn, key, mint=world.mint, now=NOW)
        assert made.setdefault(key, session) == session
    assert len(set(made.values())) == len(made) == len(sessions.sessions(world.conn))


def test_the_conversation_of_several_chats_stands_in_none() -> None:
    world = World()
    agent = world.agent()
    key = SessionKey(agent_group_id=agent.id, messaging_group_id=None, thread_id=None)
    place = sessions.session_place(world.conn, sessions.session_for(world.conn, key, mint=world.mint, now=NOW))
    assert place is not None
    assert (place.messaging_group, place.session.thread_id, place.settings) == (None, None, None)


def test_a_thread_is_one_of_a_chat() -> None:
    world = World()
    key = SessionKey(agent_group_id=world.agent().id, messaging_group_id=None, thread_id="t")
    with pytest.raises(ConstraintError):
        sessions.session_for(world.conn, key, mint=world.mint, now=NOW)

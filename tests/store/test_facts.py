"""What an event is judged by: the facts of its own chat, sender and thread, and no others."""

from __future__ import annotations

import pytest

from nanoclaw.core.routing import Facts
from nanoclaw.model.entities import EngageMode, SessionKey
from nanoclaw.model.rights import Member, Rights
from nanoclaw.store import facts, people
from schema.sqlite import execute
from tests.support.central import NOW, World, said


def test_of_an_unknown_chat_nothing_is_known() -> None:
    world = World()
    world.wire(world.chat("elsewhere"), world.agent())
    assert facts.gather(world.conn, said(1), threaded=True) == Facts(threaded=True, chat=None)


def test_of_a_chat_that_nobody_hears_only_itself_is_known() -> None:
    world = World()
    chat = world.chat()
    assert facts.gather(world.conn, said(1), threaded=False) == Facts(threaded=False, chat=chat)


def furnished() -> World:
    """Two agents in a chat, of which Ada may speak to one; both have engaged in its thread, and one in another."""
    world = World()
    chat, elsewhere = world.chat(), world.chat("elsewhere")
    for name in ("one", "two"):
        agent = world.agent(name)
        world.wire(chat, agent, mode=EngageMode.MENTION_STICKY)
        world.wire(elsewhere, agent, mode=EngageMode.MENTION_STICKY)
    member = Member(user_id=world.user(), agent_group_id=world_agent("one"), added_by=None, added_at=NOW)
    people.add_member(world.conn, member)
    for number, (room, thread) in enumerate([("room", "t"), ("room", None), ("elsewhere", "other"), ("room", "x")]):
        world.accept(said(number, room=room, thread=thread), threaded=True)
    execute(world.conn, "DELETE FROM engagements WHERE agent_group_id = 'agt-two' AND thread_id = 'x'")
    return world

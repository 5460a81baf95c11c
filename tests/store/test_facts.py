"""What an event is judged by: the facts of its own chat, sender and thread, and no others."""

from __future__ import annotations

import pytest

from nanoclaw.core.routing import Facts
from nanoclaw.model.entities import EngageMode, SessionKey
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId
from nanoclaw.model.rights import Member, Rights
from nanoclaw.store import entities, facts, people, sessions
from schema.sqlite import execute
from tests.support.central import NOW, World, said

ONE, TWO = AgentGroupId("agt-one"), AgentGroupId("agt-two")
ROOM = MessagingGroupId("chat-test-room")


def test_of_an_unknown_chat_nothing_is_known() -> None:
    world = World()
    world.wire(world.chat("elsewhere"), world.agent())
    assert facts.gather(world.conn, said(1), threaded=True) == Facts(threaded=True, chat=None)


def test_of_a_chat_that_nobody_hears_only_itself_is_known() -> None:
    world = World()
    chat = world.chat()
    assert facts.gather(world.conn, said(1), threaded=False) == Facts(threaded=False, chat=chat)


def furnished() -> World:
    """Two agents in two chats, of which Ada may speak to one; both have engaged in a thread, one of them in another."""
    world = World()
    for room in ("room", "elsewhere"):
        world.chat(room)
    for name in ("one", "two"):
        agent = world.agent(name)
        for chat in entities.messaging_groups(world.conn):
            world.wire(chat, agent, mode=EngageMode.MENTION_STICKY)
    people.add_member(world.conn, Member(user_id=world.user(), agent_group_id=ONE, added_by=None, added_at=NOW))
    for number, (room, thread) in enumerate([("room", "t"), ("room", None), ("elsewhere", "other"), ("room", "x")]):
        world.accept(said(number, room=room, thread=thread), threaded=True)
    execute(world.conn, "DELETE FROM engagements WHERE agent_group_id = ? AND thread_id = 'x'", (TWO,))
    return world


def near(world: World, *, threaded: bool = True, thread: str | None = None, sender: str = "Ada") -> Facts:
    """The facts about something that is said in the room."""
    return facts.gather(world.conn, said(9, thread=thread, sender=sender), threaded=threaded)


def test_the_wirings_are_the_chats_own() -> None:
    found = near(furnished())
    assert found.chat is not None
    assert found.chat.platform_id == "room"
    assert {wiring.id for wiring in found.wirings} == {f"wir-{ROOM}-agt-one", f"wir-{ROOM}-agt-two"}


@pytest.mark.parametrize(("sender", "rights"), [("Ada", Rights(member_of=frozenset({ONE}))), ("Eve", Rights())])
def test_the_rights_are_the_senders_own(sender: str, rights: Rights) -> None:
    assert near(furnished(), sender=sender).rights == rights


@pytest.mark.parametrize(
    ("threaded", "thread", "engaged"),
    [
        (True, "t", {ONE, TWO}),
        (True, "x", {ONE}),
        (True, "other", set()),  # that is a thread of another chat
        (True, "", set()),
        (True, None, set()),
        (False, "t", set()),  # on a channel without threads there is none
    ],
)
def test_who_has_engaged_is_known_of_the_thread_itself(
    *, threaded: bool, thread: str | None, engaged: set[AgentGroupId]
) -> None:
    assert near(furnished(), threaded=threaded, thread=thread).engaged == engaged


@pytest.mark.parametrize(
    ("threaded", "thread", "threads"),
    [(True, "t", {None, "t"}), (True, "new", {None}), (True, None, {None}), (False, "t", {None})],
)
def test_the_sessions_are_those_of_the_chat_itself_and_of_the_thread(
    *, threaded: bool, thread: str | None, threads: set[str | None]
) -> None:
    found = near(furnished(), threaded=threaded, thread=thread).sessions
    assert set(found) == {
        SessionKey(agent_group_id=agent, messaging_group_id=ROOM, thread_id=one)
        for agent in (ONE, TWO)
        for one in threads
    }
    assert len(set(found.values())) == len(found)


def test_the_session_of_all_chats_is_found_for_those_who_are_wired_so() -> None:
    world = furnished()
    shared = {agent: SessionKey(agent_group_id=agent, messaging_group_id=None, thread_id=None) for agent in (ONE, TWO)}
    made = {agent: sessions.session_for(world.conn, key, mint=world.mint, now=NOW) for agent, key in shared.items()}
    assert shared[ONE] not in near(world).sessions
    execute(world.conn, "UPDATE wirings SET session_mode = 'agent-shared' WHERE agent_group_id = ?", (ONE,))
    found = near(world).sessions
    assert found[shared[ONE]] == made[ONE]
    assert shared[TWO] not in found

"""Which conversation a message belongs to."""

from __future__ import annotations

import attrs
import pytest

from nanoclaw.core.sessions import effective_mode, session_key
from nanoclaw.model.entities import SessionKey, SessionMode
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId
from tests.support.central import always

AGENT, CHAT = AgentGroupId("agt"), MessagingGroupId("chat")
TABLE = """
mode          threaded  group | divided
shared        no        no    | shared
shared        no        yes   | shared
shared        yes       no    | shared
shared        yes       yes   | per-thread
per-thread    no        no    | per-thread
per-thread    no        yes   | per-thread
per-thread    yes       no    | per-thread
per-thread    yes       yes   | per-thread
agent-shared  no        no    | agent-shared
agent-shared  no        yes   | agent-shared
agent-shared  yes       no    | agent-shared
agent-shared  yes       yes   | agent-shared
"""
ROWS = [line.replace("|", "").split() for line in TABLE.strip().splitlines()[1:]]


def key(mode: SessionMode, *, thread_id: str | None = "t1", **how: bool) -> SessionKey:
    """The key of a message, in a group with threads if nothing else is said."""
    wiring = attrs.evolve(always("wir", CHAT, AGENT), session_mode=mode)
    circumstances = {"threaded": True, "is_group": True, "starts_thread": False, "wakes": True} | how
    return session_key(wiring, thread_id=thread_id, **circumstances)


def of(chat: MessagingGroupId | None, thread: str | None = None) -> SessionKey:
    return SessionKey(agent_group_id=AGENT, messaging_group_id=chat, thread_id=thread)


@pytest.mark.parametrize(("mode", "threaded", "group", "divided"), ROWS)
def test_a_chat_is_divided_by_its_kind_and_its_wiring(mode: str, threaded: str, group: str, divided: str) -> None:
    found = effective_mode(SessionMode(mode), threaded=threaded == "yes", is_group=group == "yes")
    assert found is SessionMode(divided)


def test_a_thread_has_a_session_of_its_own_in_a_group_and_where_the_wiring_says_so() -> None:
    assert key(SessionMode.SHARED) == of(CHAT, "t1")
    assert key(SessionMode.SHARED, is_group=False) == of(CHAT)
    assert key(SessionMode.PER_THREAD, is_group=False) == of(CHAT, "t1")
    assert key(SessionMode.PER_THREAD, threaded=False) == of(CHAT)
    assert key(SessionMode.PER_THREAD, thread_id=None) == of(CHAT)
    assert key(SessionMode.PER_THREAD, thread_id="") == of(CHAT)


def test_what_is_only_kept_and_stands_in_the_chat_itself_belongs_to_the_chat() -> None:
    assert key(SessionMode.SHARED, starts_thread=True, wakes=False) == of(CHAT)
    assert key(SessionMode.SHARED, starts_thread=True, wakes=True) == of(CHAT, "t1")
    assert key(SessionMode.SHARED, starts_thread=False, wakes=False) == of(CHAT, "t1")


@pytest.mark.parametrize("wakes", [True, False])
def test_all_agent_shared_chats_are_one_conversation(wakes: bool) -> None:
    assert key(SessionMode.AGENT_SHARED, wakes=wakes) == of(None)

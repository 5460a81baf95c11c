"""Strangers and chats that nobody hears: let in by a card and heard with what they had said, or forgotten."""

from __future__ import annotations

import pytest

from nanoclaw.model.ids import ApprovalId
from nanoclaw.store import approvals
from nanoclaw.store.events import Decided, Ignored
from nanoclaw.store.verify import verify
from schema.sqlite import fetch, integer
from tests.routing.comparing import NOWHERE
from tests.support.approvals import carry_out
from tests.support.approvals_case import PENDING, Case, typed, with_people
from tests.support.central import everything, said


@pytest.fixture
def case() -> Case:
    return with_people()


def test_a_stranger_who_is_allowed_is_heard_with_what_they_said_and_one_who_is_denied_is_forgotten(case: Case) -> None:
    world = case.world
    world.conn.execute("UPDATE messaging_groups SET unknown_sender_policy = 'request_approval'").fetchall()
    for number, name in ((1, "Eve"), (2, "Mallory"), (3, "Eve")):
        refused = world.accept(said(number, sender=name, text=f"kumquat of {name} {number}"))
        assert isinstance(refused, Ignored)
        assert refused.asked
    cards = {}
    for one in approvals.approvals(world.conn):
        cards[one.subject.rpartition(":")[2]] = case.send(ApprovalId(one.id), "test:chief")
    assert set(cards) == {"eve", "mallory"}
    assert isinstance(case.press(cards["eve"], case.tokens(cards["eve"])["Allow"], by="Chief", number=901), Decided)
    assert isinstance(
        case.press(cards["mallory"], case.tokens(cards["mallory"])["Deny"], by="Chief", number=902), Decided
    )
    assert carry_out(world) == []
    heard = fetch(world.conn, "SELECT content FROM inbound WHERE kind = 'chat' AND trigger = 1")
    assert ["kumquat of Eve 1" in str(row["content"]) for row in heard] == [True]
    assert fetch(world.conn, "SELECT 1 FROM kept_messages") == []
    assert b"kumquat of Mallory" not in world.conn.serialize("main")
    members = fetch(world.conn, "SELECT user_id, added_by FROM members")
    assert members == [{"user_id": "test:eve", "added_by": "test:chief"}]
    assert verify(world.conn, NOWHERE, host=None, now=world.now) == []
    before = everything(world.conn)
    assert carry_out(world) == []
    assert everything(world.conn) == before


def test_an_unknown_chat_is_connected_by_a_button_and_its_first_message_is_heard(case: Case) -> None:
    world = case.world
    world.accept(said(1, room="C7", sender="Eve", text="is somebody there?"))
    [asked] = [one for one in approvals.approvals(world.conn) if one.kind.value == "chat"]
    card = case.send(asked.id, "test:boss")
    assert list(case.tokens(card)) == ["Connect to nano", "Connect to other", "New agent", "Reject"]
    assert isinstance(case.press(card, case.tokens(card)["Connect to other"], by="Chief"), Ignored), (
        "too little a right"
    )
    assert isinstance(case.press(card, case.tokens(card)["Connect to other"], number=901), Decided)
    assert carry_out(world) == []
    [row] = fetch(
        world.conn, "SELECT s.agent_group_id, i.content FROM inbound i JOIN sessions s ON s.id = i.session_id"
    )
    assert row["agent_group_id"] == "agt-other"
    assert "is somebody there?" in str(row["content"])
    assert "Other hears" in str(case.state(asked.id)[1]) or "other hears" in str(case.state(asked.id)[1])


def test_a_chat_that_is_rejected_is_silent_from_then_on(case: Case) -> None:
    world = case.world
    world.accept(said(1, room="C7", sender="Eve"))
    [asked] = [one for one in approvals.approvals(world.conn) if one.kind.value == "chat"]
    card = case.send(asked.id, "test:boss")
    case.press(card, case.tokens(card)["Reject"])
    again = world.accept(said(2, room="C7", sender="Eve"))
    assert isinstance(again, Ignored)
    assert (again.reason, again.asked) == ("chat-denied", False)


def test_what_was_to_be_connected_and_is_gone_has_failed(case: Case) -> None:
    world = case.world
    world.accept(said(1, room="C7", sender="Eve"))
    [asked] = [one for one in approvals.approvals(world.conn) if one.kind.value == "chat"]
    card = case.send(asked.id, "test:boss")
    case.press(card, case.tokens(card)["Connect to other"])
    world.conn.execute("DELETE FROM roles WHERE agent_group_id = 'agt-other'").fetchall()
    world.conn.execute("DELETE FROM agent_groups WHERE id = 'agt-other'").fetchall()
    assert carry_out(world) == ["the agent is no longer there"]
    assert case.state(asked.id) == ("failed", "the agent is no longer there")
    assert fetch(world.conn, "SELECT 1 FROM kept_messages") == []


def test_a_new_agent_is_named_by_whoever_chose_it_and_hears_the_chat(case: Case) -> None:
    world = case.world
    world.accept(said(1, room="C7", sender="Eve", text="is somebody there?"))
    [asked] = [one for one in approvals.approvals(world.conn) if one.kind.value == "chat"]
    card = case.send(asked.id, "test:boss")
    case.grant("second")
    assert isinstance(case.press(card, case.tokens(card)["New agent"]), Decided)
    case.arrive()
    assert case.state(asked.id) == PENDING
    assert not isinstance(world.accept(typed(card, "Mallory's", by="Second", number=902)), Decided), (
        "not theirs to name"
    )
    bad = world.accept(typed(card, "x" * 200, number=903))
    assert isinstance(bad, Ignored)
    assert bad.reason == "no-name"
    assert isinstance(world.accept(typed(card, "Night Watch", number=904)), Decided)
    assert not isinstance(world.accept(typed(card, "and more talk", number=905)), Decided)
    assert carry_out(world) == []
    [group] = fetch(world.conn, "SELECT id, folder FROM agent_groups WHERE name = 'Night Watch'")
    assert group["folder"] == "night-watch"
    [row] = fetch(world.conn, "SELECT content FROM inbound i JOIN sessions s ON s.id = session_id WHERE kind = 'chat'")
    assert "is somebody there?" in str(row["content"])
    assert "Night Watch hears" in str(case.state(asked.id)[1])


def test_a_new_agent_does_not_get_the_folder_that_another_has_left(case: Case) -> None:
    world = case.world
    world.accept(said(1, room="C7", sender="Eve"))
    [asked] = [one for one in approvals.approvals(world.conn) if one.kind.value == "chat"]
    card = case.send(asked.id, "test:boss")
    case.press(card, case.tokens(card)["New agent"])
    world.accept(typed(card, "Night Watch", number=904))
    assert carry_out(world, folders=frozenset({"night-watch"})) == []
    [group] = fetch(world.conn, "SELECT folder FROM agent_groups WHERE name = 'Night Watch'")
    assert group["folder"] == "night-watch-2"


def test_whoever_thinks_better_of_a_new_agent_or_takes_too_long_may_decide_again(case: Case) -> None:
    world = case.world
    world.accept(said(1, room="C7", sender="Eve"))
    [asked] = [one for one in approvals.approvals(world.conn) if one.kind.value == "chat"]
    card = case.send(asked.id, "test:boss")
    case.press(card, case.tokens(card)["New agent"], number=901)
    assert isinstance(world.accept(typed(card, "Cancel", number=902)), Decided)
    assert not isinstance(world.accept(typed(card, "Nobody", number=903)), Decided)
    case.press(card, case.tokens(card)["New agent"], number=904)
    world.wait(seconds=601)
    assert not isinstance(world.accept(typed(card, "Nobody", number=905)), Decided)
    assert isinstance(case.press(card, case.tokens(card)["Connect to other"], number=906), Decided)
    assert carry_out(world) == []
    assert integer(world.conn, "SELECT count(*) FROM agent_groups") == 2


def test_a_stranger_who_was_denied_is_asked_about_again_after_a_day_and_not_with_each_message(case: Case) -> None:
    world = case.world
    world.conn.execute("UPDATE messaging_groups SET unknown_sender_policy = 'request_approval'").fetchall()
    world.accept(said(1, sender="Eve"))
    [one] = approvals.approvals(world.conn)
    card = case.send(one.id, "test:chief")
    case.press(card, case.tokens(card)["Deny"], by="Chief")
    again = world.accept(said(2, sender="Eve", text="kumquat"))
    assert isinstance(again, Ignored)
    assert not again.asked
    assert fetch(world.conn, "SELECT 1 FROM kept_messages") == []
    world.accept(said(3, sender="Mallory"))
    assert len(approvals.approvals(world.conn)) == 2, "somebody else is somebody else"
    world.wait(seconds=86_401)
    world.accept(said(4, sender="Eve"))
    assert len(approvals.approvals(world.conn)) == 3

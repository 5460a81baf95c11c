"""Chats that nobody hears: silence, unless somebody speaks to us; then a person is asked, once."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.model.approvals import ApprovalKind, ApprovalState
from nanoclaw.model.entities import MessagingGroup, UnknownSenderPolicy
from nanoclaw.model.ids import ChannelName, EventId, MessagingGroupId, UserId
from nanoclaw.store import approvals, drops, entities, people, wirings
from nanoclaw.store.events import Accepted, Duplicate, Ignored
from nanoclaw.store.kept import kept
from schema.sqlite import fetch, integer
from tests.support.central import CHANNEL, NOW, World, always, everything, said


def test_where_nobody_listens_and_nobody_speaks_to_us_nothing_at_all_is_written() -> None:
    world = World()
    world.agent()
    world.chat("deaf")
    before = world.conn.serialize("main")
    for room in ("unknown", "deaf"):
        assert world.accept(said(1, room=room, mention=False)) == Ignored(
            event=None, reason="not-addressed", detail="nobody listens to this chat"
        )
    assert world.conn.serialize("main") == before


def test_an_unknown_chat_in_which_we_are_addressed_is_remembered_and_asked_about() -> None:
    world = World()
    verdict = world.accept(attrs.evolve(said(1, room="C7", text="kumquat"), chat_name="Team\u202e\nOps"))
    assert isinstance(verdict, Ignored)
    assert (verdict.event, verdict.reason) == ("evt-1", "not-wired")
    [chat] = entities.messaging_groups(world.conn)
    assert chat == MessagingGroup(
        id=MessagingGroupId("chat-1"),
        channel=CHANNEL,
        platform_id="C7",
        name="Team Ops",
        is_group=True,
        created_at=NOW,
        unknown_sender_policy=UnknownSenderPolicy.REQUEST_APPROVAL,
        denied_at=None,
    )
    [drop] = drops.recent(world.conn)
    assert (drop.key, drop.reason, drop.messaging_group_id, drop.sender_id) == (
        "event:evt-1",
        "not-wired",
        chat.id,
        "test:ada",
    )
    [asked] = approvals.approvals(world.conn)
    assert (asked.kind, asked.subject, asked.state) == (ApprovalKind.CHAT, "chat-1", ApprovalState.PENDING)
    assert (asked.messaging_group_id, asked.agent_group_id, asked.requested_at) == (chat.id, None, NOW)
    assert asked.payload == '{"chat": "chat-1", "is_group": true, "sender": "Ada", "sender_id": "test:ada"}'
    assert people.users(world.conn) == []
    found = kept(world.conn, asked.id)
    assert found is not None
    assert (found[0], found[1].text) == ("evt-1", "kumquat")


def test_a_chat_without_a_name_is_called_by_its_place() -> None:
    world = World()
    world.accept(said(1, room="C7", is_group=False))
    world.accept(attrs.evolve(said(2, room="C8"), chat_name="\u202e\n"))
    names = {chat.platform_id: (chat.name, chat.is_group) for chat in entities.messaging_groups(world.conn)}
    assert names == {"C7": ("test C7", False), "C8": ("test C8", True)}


def test_however_often_we_are_addressed_there_is_one_chat_and_one_request() -> None:
    world = World()
    for number in range(1, 6):
        world.accept(said(number, sender=f"Person {number}"))
    assert len(entities.messaging_groups(world.conn)) == 1
    assert len(approvals.approvals(world.conn)) == 1
    assert len(drops.recent(world.conn)) == integer(world.conn, "SELECT count(*) FROM events") == 5
    before = everything(world.conn)
    assert world.accept(said(3)) == Duplicate(event=drops_event(world, "3"), sessions=())
    assert everything(world.conn) == before


def drops_event(world: World, reference: str) -> EventId:
    """The event of the message of that id, by its drop."""
    [found] = [drop.event_id for drop in drops.recent(world.conn) if drop.reference == reference]
    assert found is not None
    return found


def test_the_same_platform_id_on_another_channel_is_another_chat() -> None:
    world = World()
    world.accept(said(1))
    world.accept(said(1, channel="other"))
    assert [chat.channel for chat in entities.messaging_groups(world.conn)] == ["other", "test"]
    assert len(approvals.approvals(world.conn)) == 2


def test_a_denied_chat_is_answered_with_silence_and_asked_about_no_more() -> None:
    world = World()
    chat = world.chat()
    entities.update_messaging_group(world.conn, attrs.evolve(chat, denied_at=NOW))
    verdict = world.accept(said(1))
    assert isinstance(verdict, Ignored)
    assert (verdict.reason, verdict.lanes) == ("chat-denied", frozenset())
    assert [(drop.reason, drop.messaging_group_id) for drop in drops.recent(world.conn)] == [("chat-denied", chat.id)]
    assert approvals.approvals(world.conn) == []
    assert fetch(world.conn, "SELECT 1 FROM ledger") == []


def test_wiring_a_denied_chat_lets_it_be_heard_again() -> None:
    world = World()
    chat = world.chat()
    entities.update_messaging_group(world.conn, attrs.evolve(chat, denied_at=NOW))
    wirings.add_wiring(world.conn, always("w", chat.id, world.agent().id), now=NOW)
    assert isinstance(world.accept(said(1)), Accepted)
    assert entities.messaging_group(world.conn, CHANNEL, "room") == chat


def test_after_a_request_was_answered_the_chat_may_be_asked_about_again() -> None:
    world = World()
    world.accept(said(1))
    approvals.settle(
        world.conn, ApprovalKind.CHAT, ApprovalState.REJECTED, "later", by=world.user("boss"), now=world.wait(seconds=1)
    )
    world.accept(said(2))
    states = [asked.state for asked in approvals.approvals(world.conn)]
    assert states == [ApprovalState.PENDING, ApprovalState.REJECTED]


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.booleans(), st.booleans()), max_size=10))
def test_any_talk_where_nobody_listens_is_remembered_by_chats_addressed_and_events_addressed(
    talk: list[tuple[str, bool, bool]],
) -> None:
    world = World()
    world.chat("a", channel="quiet")
    for number, (room, mention, other) in enumerate(talk):
        event = said(number, room=room, channel="quiet", mention=mention)
        world.accept(attrs.evolve(event, sender_id=UserId(f"quiet:{other}")))
    addressed = [room for room, mention, _ in talk if mention]
    chats = {chat.platform_id for chat in entities.messaging_groups(world.conn)}
    assert chats == {"a", *addressed}
    assert integer(world.conn, "SELECT count(*) FROM events") == len(addressed) == len(drops.recent(world.conn))
    asked: dict[str, bool] = {}
    for room, mention, other in talk:  # who asks about one chat asks about no second one meanwhile
        if mention and room not in asked and other not in asked.values():
            asked[room] = other
    names = {chat.id: chat.platform_id for chat in entities.messaging_groups(world.conn)}
    assert sorted(
        names[one.messaging_group_id] for one in approvals.approvals(world.conn) if one.messaging_group_id
    ) == sorted(asked)
    assert people.users(world.conn) == []
    assert entities.messaging_group(world.conn, ChannelName("test"), "a") is None

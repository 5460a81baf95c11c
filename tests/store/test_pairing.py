"""What a code puts into the truth: an owner, whose chat is heard by the agents of another chat; and who guessed."""

from __future__ import annotations

from attrs import evolve

from nanoclaw.model.approvals import ApprovalState
from nanoclaw.model.entities import UnknownSenderPolicy
from nanoclaw.model.messages import Address, InboundEvent
from nanoclaw.store import approvals, audit, drops, entities, people, wirings
from nanoclaw.store.events import Ignored
from nanoclaw.store.ledger import Lane
from nanoclaw.store.pairing import guessed, pair
from schema.sqlite import scalar
from tests.support.central import CHANNEL, World, said

LIKE = Address(channel=CHANNEL, platform_id="home")


def private(number: int = 1) -> InboundEvent:
    return evolve(said(number, room="dm"), text="0427", is_group=False)


def a_home() -> World:
    world = World()
    home = world.chat("home")
    for name in ("ops", "writer"):
        world.wire(home, world.agent(name))
    return world


def wired(world: World) -> int:
    chat = entities.messaging_group(world.conn, CHANNEL, "dm")
    assert chat is not None
    assert not chat.is_group
    return len(wirings.wirings_of(world.conn, chat.id))


def test_a_new_owner_is_heard_like_the_other_and_welcomed_once() -> None:
    world, event = a_home(), private()
    assert pair(world.conn, event, like=LIKE, mint=world.mint, now=world.now) == {Lane(CHANNEL, "dm")}
    pair(world.conn, event, like=LIKE, mint=world.mint, now=world.now)
    assert people.rights_of(world.conn, event.sender_id).owner
    assert wired(world) == 2
    assert scalar(world.conn, "SELECT count(*) FROM ledger") == 1
    (kept,) = drops.recent(world.conn)
    assert (kept.reason, kept.sender_id) == ("paired", event.sender_id)


def test_who_became_an_owner_and_who_guessed_is_in_the_audit() -> None:
    world = a_home()
    guessed(world.conn, private(), now=world.now)
    pair(world.conn, private(2), like=LIKE, mint=world.mint, now=world.now)
    assert [(one.who, one.subject, one.outcome) for one in audit.records(world.conn, what="channels paired")] == [
        (private().sender_id, CHANNEL, audit.Outcome.REFUSED),
        (private().sender_id, CHANNEL, audit.Outcome.DONE),
    ]


def test_a_chat_that_is_wired_stays_as_it_is() -> None:
    world = a_home()
    world.wire(world.chat("dm", is_group=False), world.agent("own"))
    pair(world.conn, private(), like=LIKE, mint=world.mint, now=world.now)
    assert wired(world) == 1


def test_without_the_other_chat_there_is_an_owner_all_the_same() -> None:
    world = World()
    pair(world.conn, private(), like=LIKE, mint=world.mint, now=world.now)
    assert people.rights_of(world.conn, private().sender_id).owner
    assert wired(world) == 0


def test_a_guess_is_kept_without_what_was_said() -> None:
    world = World()
    guessed(world.conn, private(), now=world.now)
    (kept,) = drops.recent(world.conn)
    assert kept.reason == "wrong-code"
    assert "0427" not in kept.detail
    assert people.users(world.conn) == []


def test_nobody_is_asked_any_more_whether_a_new_owner_may_speak() -> None:
    world = World()
    world.wire(world.chat("room", policy=UnknownSenderPolicy.REQUEST_APPROVAL), world.agent("ops"))
    asked = world.accept(said(7, room="room"))
    assert isinstance(asked, Ignored)
    assert asked.asked
    pair(world.conn, private(), like=LIKE, mint=world.mint, now=world.now)
    assert [one.state for one in approvals.approvals(world.conn)] != []
    assert all(one.state is not ApprovalState.PENDING for one in approvals.approvals(world.conn))

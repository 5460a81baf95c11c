"""Edits and deletions: before an agent has seen a message they change it, afterwards the agent is told."""

from __future__ import annotations

import pytest
from attrs import evolve

from nanoclaw.core.retry import RetryPolicy
from nanoclaw.core.revisions import CHANGES_FULL, MOST_CHANGES, NOT_ITS_AUTHOR
from nanoclaw.model.entities import SenderScope, UnknownSenderPolicy
from nanoclaw.model.ids import AgentGroupId, EpochNumber, InboundId, SessionId, UserId
from nanoclaw.model.messages import EpochEnding, Revision, RevisionKind
from nanoclaw.model.rights import Member
from nanoclaw.store import drops, ending, entities, inbound, people, revisions, wirings
from schema import payloads
from schema.rows import InKind, InStatus
from schema.sqlite import fetch, transaction
from tests.support.central import CHANNEL, World, everything, said

AGENT = AgentGroupId("agt-nano")
MINE = InboundId(f"evt-1:{AGENT}")
ADA, EVE = UserId("test:ada"), UserId("test:eve")


def edit(text: str, number: int = 1, *, of: int = 1, by: UserId = ADA) -> Revision:
    """The *number*th change of a message."""
    return Revision(
        channel=CHANNEL,
        platform_message_id=str(of),
        revision=f"r{number}",
        kind=RevisionKind.EDIT,
        sender_id=by,
        sender=by.removeprefix("test:").title(),
        text=text,
    )


def deletion(number: int = 1, *, of: int = 1, by: UserId = ADA) -> Revision:
    """A message is taken back."""
    return evolve(edit("", number, of=of, by=by), kind=RevisionKind.DELETION)


def revise(world: World, revision: Revision) -> tuple[SessionId, ...]:
    """The transaction of ingress."""
    with transaction(world.conn):
        return revisions.revise(world.conn, revision, now=world.now)


def heard(*agents: str, text: str = "as it was") -> World:
    """A world in which these agents have heard a message and not seen it."""
    world = World()
    room = world.chat()
    for name in agents or ("nano",):
        world.wire(room, world.agent(name))
    world.accept(said(1, text=text))
    return world


def seen(world: World, row: InboundId = MINE) -> SessionId:
    """The agent takes the message up; returns its session."""
    session = world.row(row).session_id
    inbound.claim(world.conn, row, world.epoch(session), now=world.now)
    return session


def told(world: World, session: SessionId) -> list[str]:
    """What a session has still to hear, or is hearing."""
    found = [payloads.read_in(row.kind, row.content) for row in inbound.open_rows(world.conn, session)]
    return [payload.text for payload in found if isinstance(payload, payloads.ChatIn | payloads.SystemIn)]


def test_an_edit_before_the_claim_changes_the_message_for_everybody_and_leaves_no_trace_of_the_old() -> None:
    world = heard("one", "two", text="kumquat")
    before = [world.row(InboundId(f"evt-1:agt-{name}")) for name in ("one", "two")]
    assert set(revise(world, edit("better"))) == {row.session_id for row in before}
    for row in before:
        now = world.row(row.id)
        assert payloads.read_in(now.kind, now.content) == payloads.ChatIn(text="better", sender="Ada", sender_id=ADA)
        assert now == evolve(row, content=now.content, touched=now.touched)
        assert now.touched > row.touched
    assert "kumquat" not in str(everything(world.conn))


def test_a_deletion_before_the_claim_withdraws_the_message_text_and_all() -> None:
    world = heard(text="kumquat")
    session = world.row(MINE).session_id
    assert revise(world, deletion()) == (session,)
    row = world.row(MINE)
    assert (row.status, row.error, row.settled_at) == (InStatus.COMPLETED, "withdrawn", world.now)
    assert inbound.work(world.conn, session, now=world.now).due == 0
    assert inbound.sessions_to_wake(world.conn) == []
    assert "kumquat" not in str(everything(world.conn))


def test_an_edit_after_the_claim_comes_as_its_authors_words_with_the_next_turn() -> None:
    world = heard()
    session = seen(world)
    claimed = world.row(MINE)
    assert revise(world, edit("better")) == (session,)
    assert world.row(MINE) == claimed
    [_, note] = inbound.open_rows(world.conn, session)
    assert (note.id, note.event_id, note.kind, note.trigger) == (f"{MINE}/r1", "evt-1", InKind.CHAT, False)
    assert (note.channel, note.platform_id, note.seq) == (CHANNEL, "room", 4)
    said_so = payloads.ChatIn(text="(message 2, changed) better", sender="Ada", sender_id=ADA)
    assert payloads.read_in(note.kind, note.content) == said_so
    assert inbound.work(world.conn, session, now=world.now).due == 0, "it starts no turn"


def test_a_deletion_after_the_claim_is_told_by_the_host() -> None:
    world = heard()
    session = seen(world)
    assert revise(world, deletion()) == (session,)
    note = world.row(InboundId(f"{MINE}/r1"))
    assert (note.kind, note.trigger) == (InKind.SYSTEM, False)
    assert payloads.read_in(note.kind, note.content) == payloads.SystemIn(
        action="message_deleted", text="message 2 was deleted on its platform"
    )


def test_what_was_answered_long_ago_can_still_be_changed() -> None:
    world = heard()
    session = seen(world)
    inbound.settle(world.conn, MINE, error=None, now=world.now)
    revise(world, edit("better"))
    assert told(world, session) == ["(message 2, changed) better"]
    assert world.row(MINE).status is InStatus.COMPLETED


def test_a_message_that_a_dead_sandbox_gave_back_is_changed_in_place() -> None:
    world = heard()
    session = seen(world)
    ending.close_epoch(
        world.conn, session, EpochNumber(1), EpochEnding.STOPPED, "", policy=RetryPolicy(), now=world.now
    )
    revise(world, edit("better"))
    assert told(world, session) == ["better"]


@pytest.mark.parametrize("second", [edit("best", 2), deletion(2)])
def test_a_second_change_withdraws_the_unread_note_of_the_first(second: Revision) -> None:
    world = heard()
    session = seen(world)
    revise(world, edit("better"))
    revise(world, second)
    first = world.row(InboundId(f"{MINE}/r1"))
    assert (first.status, first.error) == (InStatus.COMPLETED, "withdrawn")
    assert "better" not in str(everything(world.conn))
    last = "(message 2, changed) best" if second.text else "message 2 was deleted on its platform"
    assert told(world, session) == ["as it was", last]


def test_a_note_that_was_read_stays_and_the_next_change_is_another() -> None:
    world = heard()
    session = seen(world)
    revise(world, edit("better"))
    inbound.settle(world.conn, InboundId(f"{MINE}/r1"), error=None, now=world.now)
    revise(world, edit("best", 2))
    assert told(world, session) == ["as it was", "(message 2, changed) best"]
    assert world.row(InboundId(f"{MINE}/r1")).error is None


@pytest.mark.parametrize("revision", [edit("better"), deletion()])
@pytest.mark.parametrize("claimed", [False, True])
def test_the_same_change_again_changes_nothing(revision: Revision, *, claimed: bool) -> None:
    world = heard("nano", "other")
    if claimed:
        seen(world)
    assert len(revise(world, revision)) == 2
    before = everything(world.conn)
    assert revise(world, revision) == ()
    assert revise(world, evolve(revision, text="something else")) == ()
    assert everything(world.conn) == before


@pytest.mark.parametrize("revision", [edit("better"), deletion()])
def test_what_becomes_of_a_message_that_nobody_heard_is_nothing_to_us(revision: Revision) -> None:
    world = World()
    world.wire(world.chat(), world.agent(), pattern="never said")
    world.accept(said(1))
    before = everything(world.conn)
    assert revise(world, revision) == ()
    assert revise(world, evolve(revision, platform_message_id="77")) == ()
    elsewhere = said(channel="other")
    assert revise(world, evolve(revision, channel=elsewhere.channel, sender_id=elsewhere.sender_id)) == ()
    assert everything(world.conn) == before


@pytest.mark.parametrize(
    ("text", "by", "reason"),
    [("words", EVE, "unknown-sender"), ("/clear", ADA, "command-by-edit"), ("/help", ADA, "command-by-edit")],
)
@pytest.mark.parametrize("claimed", [False, True])
def test_an_edit_passes_the_gates_of_a_new_message_or_is_recorded_and_not_kept(
    text: str, by: UserId, reason: str, *, claimed: bool
) -> None:
    world = heard()
    [chat] = entities.messaging_groups(world.conn)
    entities.update_messaging_group(world.conn, evolve(chat, unknown_sender_policy=UnknownSenderPolicy.STRICT))
    member = Member(user_id=ADA, agent_group_id=AGENT, added_by=None, added_at=world.now)
    people.add_member(world.conn, member)
    if claimed:
        seen(world)
    before = fetch(world.conn, "SELECT * FROM inbound")
    assert revise(world, edit(f"{text} kumquat", by=by)) == ()
    assert fetch(world.conn, "SELECT * FROM inbound") == before
    [drop] = drops.recent(world.conn)
    assert (drop.key, drop.reason, drop.sender_id, drop.agent_group_id) == (f"revision:{MINE}:r1", reason, by, AGENT)
    assert (drop.event_id, drop.reference, drop.session_id) == ("evt-1", "1", world.row(MINE).session_id)
    assert "kumquat" not in str(everything(world.conn))


def test_a_wiring_for_known_people_is_not_talked_into_by_editing() -> None:
    world = heard()
    [wiring] = wirings.wirings(world.conn)
    wirings.update_wiring(world.conn, evolve(wiring, sender_scope=SenderScope.KNOWN))
    assert revise(world, edit("better")) == ()
    assert [drop.reason for drop in drops.recent(world.conn)] == ["sender-scope"]


def test_an_agent_that_hears_the_chat_no_longer_hears_no_edit_and_loses_what_is_deleted() -> None:
    world = heard(text="kumquat")
    [wiring] = wirings.wirings(world.conn)
    wirings.delete_wiring(world.conn, wiring)
    assert revise(world, edit("better")) == ()
    assert [drop.reason for drop in drops.recent(world.conn)] == ["not-wired"]
    assert revise(world, deletion(2)) == (world.row(MINE).session_id,)
    assert "kumquat" not in str(everything(world.conn))


def test_an_edit_that_is_refused_takes_back_no_earlier_one() -> None:
    world = heard()
    session = seen(world)
    revise(world, edit("better"))
    assert revise(world, edit("/clear", 2)) == ()
    assert told(world, session) == ["as it was", "(message 2, changed) better"]


def test_one_agent_may_refuse_an_edit_that_another_takes() -> None:
    world = heard("nano", "other")
    [first, _] = wirings.wirings(world.conn)
    wirings.update_wiring(world.conn, evolve(first, sender_scope=SenderScope.KNOWN))
    assert revise(world, edit("better")) == (world.row(InboundId("evt-1:agt-other")).session_id,)
    assert told(world, world.row(MINE).session_id) == ["as it was"]


@pytest.mark.parametrize("is_seen", [False, True])
def test_a_message_that_is_changed_for_ever_is_changed_a_hundred_times_the_rest_is_counted_and_it_can_be_taken_back(
    is_seen: bool,
) -> None:
    world = heard()
    session = seen(world) if is_seen else world.row(MINE).session_id
    for number in range(1, MOST_CHANGES + 31):
        revise(world, edit(f"version {number}", number))
    assert revise(world, edit("again", 1)) == ()
    kept = fetch(world.conn, "SELECT revision FROM revisions")
    assert {row["revision"] for row in kept} == {f"r{number}" for number in range(1, MOST_CHANGES + 1)}
    assert f"version {MOST_CHANGES}" in told(world, session)[-1]
    [counted] = drops.recent(world.conn, reason=CHANGES_FULL)
    assert counted.detail.endswith(" 30")
    assert revise(world, deletion(MOST_CHANGES + 31)) == (session,)
    assert revise(world, deletion(MOST_CHANGES + 32)) == (), "it is gone for good, however often that is said"
    assert len(fetch(world.conn, "SELECT 1 FROM revisions")) == MOST_CHANGES + 1


def test_where_anybody_may_say_that_a_message_was_changed_only_its_author_is_believed() -> None:
    world = heard()
    session = world.row(MINE).session_id
    for number in range(1, MOST_CHANGES + 2):
        assert revise(world, evolve(edit("forged", number, by=EVE), claimed=True)) == ()
    assert told(world, session) == ["as it was"]
    [counted] = drops.recent(world.conn, reason=NOT_ITS_AUTHOR)
    assert counted.detail.endswith(f" {MOST_CHANGES + 1}")
    assert revise(world, evolve(edit("better", MOST_CHANGES + 2), claimed=True)) == (session,)
    assert told(world, session) == ["better"]

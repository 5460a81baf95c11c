"""Crowds of strangers: so many are recorded, asked about and kept as context in an hour, and the rest is counted."""

from __future__ import annotations

from collections import Counter

from attrs import evolve

from nanoclaw.core.crowds import (
    CONTEXT_FULL,
    CONTEXT_STEP,
    MOST_ASKED,
    MOST_CONTEXT,
    MOST_RECORDED,
    MOST_THREADS,
    MOST_WAITING,
    THREADS_FULL,
)
from nanoclaw.model.approvals import ApprovalState
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, UnknownSenderPolicy
from nanoclaw.model.ids import AgentGroupId, QuestionId, RoleId
from nanoclaw.model.messages import Choice
from nanoclaw.model.rights import Grant, Member, Role
from nanoclaw.store import approvals, drops, entities, people
from nanoclaw.store.crowds import WORDS
from nanoclaw.store.events import Accepted, Ignored
from nanoclaw.store.verify import verify
from schema.sqlite import execute, fetch, integer
from tests.routing.comparing import NOWHERE
from tests.support.central import World, said

MORE = 7
STRICT, ASKING = UnknownSenderPolicy.STRICT, UnknownSenderPolicy.REQUEST_APPROVAL


def a_room(policy: UnknownSenderPolicy) -> World:
    world = World()
    world.wire(world.chat(policy=policy), world.agent())
    return world


def context() -> World:
    """An agent that takes up what is said to it, and keeps the rest."""
    world = World()
    world.wire(world.chat(), world.agent(), mode=EngageMode.MENTION, ignored=IgnoredMessagePolicy.ACCUMULATE)
    return world


def counted(world: World, reason: str) -> list[int]:
    """What is only counted, by the counts' numbers, the newest first."""
    found = drops.recent(world.conn, 10_000, reason=reason)
    return [int(one.detail.removeprefix(WORDS)) for one in found if one.event_id is None]


def recorded(world: World) -> int:
    return integer(world.conn, "SELECT count(*) FROM drops WHERE event_id IS NOT NULL")


def sound(world: World) -> bool:
    return verify(world.conn, NOWHERE, host=None, now=world.now) == []


def test_what_is_refused_is_recorded_a_hundred_times_an_hour_and_counted_from_then_on() -> None:
    world = a_room(STRICT)
    for number in range(MOST_RECORDED + MORE):
        refused = world.accept(said(number, sender=f"Stranger {number}"))
        assert isinstance(refused, Ignored)
        assert refused.reason == "unknown-sender"
        assert (refused.event is None) == (number >= MOST_RECORDED)
    assert recorded(world) == integer(world.conn, "SELECT count(*) FROM events") == MOST_RECORDED
    assert counted(world, "unknown-sender") == [MORE]
    world.wait(seconds=3600)
    world.accept(said(9_999))
    assert recorded(world) == MOST_RECORDED + 1, "the next hour is another"
    assert sound(world)


def test_buttons_that_strangers_make_up_are_counted_as_well_and_who_is_known_is_told_even_then() -> None:
    world = a_room(STRICT)
    for number in range(MOST_RECORDED + MORE):
        forged = Choice(question=QuestionId(f"approval:{number}/0000"), said="approve")
        ignored = world.accept(evolve(said(number, sender=f"Stranger {number}"), choice=forged))
        assert isinstance(ignored, Ignored)
        assert (ignored.reason, ignored.event is None) == ("no-approval", number >= MOST_RECORDED)
    assert counted(world, "no-approval") == [MORE]
    member = Member(
        user_id=world.user("ada"), agent_group_id=AgentGroupId("agt-nano"), added_by=None, added_at=world.now
    )
    people.add_member(world.conn, member)
    denied = world.accept(said(9_999, sender="Ada", text="/clear"))
    assert isinstance(denied, Ignored)
    assert denied.lanes, "who is known is told why"
    assert sound(world)


def test_one_chat_that_is_full_is_nothing_to_another_and_whoever_is_known_is_heard_in_both() -> None:
    world = a_room(STRICT)
    world.wire(world.chat("other", policy=STRICT), world.agent("second"))
    for number in range(MOST_RECORDED + MORE):
        world.accept(said(number))
    other = world.accept(said(9_001, room="other"))
    assert isinstance(other, Ignored)
    assert other.event is not None
    _make_owner(world, "boss")
    assert isinstance(world.accept(said(9_002, sender="Boss")), Accepted)
    assert sound(world)


def test_people_are_asked_so_often_an_hour_and_so_much_at_a_time_and_whoever_waits_is_asked_about_later() -> None:
    world = a_room(ASKING)
    hours = 0
    while len(approvals.approvals(world.conn)) < MOST_WAITING:
        for number in range(2 * MOST_ASKED):
            world.accept(said(hours * 1_000 + number, sender=f"Stranger {number}"))
        hours += 1
        asked = [one.requested_at for one in approvals.approvals(world.conn)]
        assert max(Counter(asked).values()) <= MOST_ASKED
        if hours > 2:
            break
        world.wait(seconds=3601)
    assert len({one.subject for one in approvals.approvals(world.conn)}) == 2 * MOST_ASKED, "each once, in two hours"
    assert hours == 3
    assert sound(world)


def test_no_more_than_a_hundred_requests_wait() -> None:
    world = a_room(ASKING)
    for number in range(MOST_WAITING + MORE):
        world.accept(said(number, sender=f"Stranger {number}"))
        world.wait(seconds=300)
    assert len(approvals.approvals(world.conn)) == MOST_WAITING


def test_a_stranger_is_asked_about_even_when_a_hundred_others_were_refused_before() -> None:
    world = a_room(ASKING)
    for number in range(MOST_RECORDED + MORE):
        world.accept(said(number, sender="Eve"))
    assert (recorded(world), counted(world, "unknown-sender")) == (MOST_RECORDED, [MORE])
    asked = world.accept(said(9_999, sender="Mallory"))
    assert isinstance(asked, Ignored)
    assert (asked.asked, asked.event is None) == (True, False)
    for one in approvals.approvals(world.conn):
        approvals.end(world.conn, one.id, ApprovalState.REJECTED, None, now=world.now)
    denied = world.accept(said(10_000, sender="Mallory"))
    assert isinstance(denied, Ignored)
    assert (denied.asked, denied.event) == (False, None), "whoever was denied is counted like everybody else"
    assert sound(world)


def test_a_stranger_with_many_chats_is_asked_about_in_one_and_an_owner_in_all() -> None:
    world = World()
    world.agent()
    for number in range(5):
        world.accept(said(number, room=f"eve-{number}", sender="Eve"))
    assert len(approvals.approvals(world.conn)) == 1
    _make_owner(world, "boss")
    for number in range(5):
        world.accept(said(100 + number, room=f"boss-{number}", sender="Boss"))
    assert len(approvals.approvals(world.conn)) == 6


def test_of_strangers_with_a_chat_each_so_many_chats_are_remembered() -> None:
    world = World()
    world.agent()
    for number in range(3 * MOST_RECORDED):
        world.accept(said(number, room=f"chat {number}", sender=f"Stranger {number}", is_group=False))
    assert len(approvals.approvals(world.conn)) == MOST_ASKED
    assert len(entities.messaging_groups(world.conn)) == recorded(world) == MOST_RECORDED
    assert counted(world, "not-wired") == [2 * MOST_RECORDED]
    assert sound(world)


def test_of_context_the_newest_waits_and_what_made_room_is_counted() -> None:
    world = context()
    many = MOST_CONTEXT + 3 * CONTEXT_STEP
    for number in range(many):
        assert isinstance(world.accept(said(number, text=f"talk {number}", mention=False)), Accepted)
    rows = fetch(world.conn, "SELECT json_extract(content, '$.text') AS text FROM inbound ORDER BY seq")
    assert MOST_CONTEXT <= len(rows) < MOST_CONTEXT + CONTEXT_STEP
    assert [row["text"] for row in rows] == [f"talk {number}" for number in range(many - len(rows), many)]
    assert integer(world.conn, "SELECT count(*) FROM events") == len(rows)
    assert counted(world, CONTEXT_FULL) == [many - len(rows)]
    forged = Choice(question=QuestionId("approval:1/0000"), said="approve")
    refused = world.accept(evolve(said(9_999, sender="Eve"), choice=forged))
    assert isinstance(refused, Ignored)
    assert refused.event is not None, "that context made room fills no hour of refusals"
    assert sound(world)


def test_neither_what_an_agent_has_claimed_nor_what_it_is_asked_makes_room() -> None:
    world = context()
    world.accept(said(0, text="asked"))
    world.accept(said(1, text="claimed", mention=False))
    execute(
        world.conn,
        "INSERT INTO epochs (session_id, number, engine, started_at)"
        " SELECT id, 1, 'fake', '2026-04-16T14:37:00.000Z' FROM sessions",
    )
    execute(
        world.conn,
        "UPDATE inbound SET claimed_epoch = 1, claimed_at = '2026-04-16T14:37:00.000Z' WHERE trigger = 0",
    )
    for number in range(2, MOST_CONTEXT + 3 * CONTEXT_STEP):
        world.accept(said(number, mention=False))
    texts = [row["text"] for row in fetch(world.conn, "SELECT json_extract(content, '$.text') AS text FROM inbound")]
    assert {"asked", "claimed"} < set(texts)


def test_context_is_kept_in_so_many_new_threads_an_hour() -> None:
    world = context()
    for number in range(MOST_THREADS + MORE):
        verdict = world.accept(said(number, thread=f"thread {number}", mention=False), threaded=True)
        assert isinstance(verdict, Accepted) == (number < MOST_THREADS)
    assert integer(world.conn, "SELECT count(*) FROM sessions") == MOST_THREADS
    assert counted(world, THREADS_FULL) == [MORE]
    assert isinstance(world.accept(said(9_999, thread="asked", mention=True), threaded=True), Accepted)
    assert sound(world)


def _make_owner(world: World, name: str) -> None:
    user = world.user(name)
    owner = Grant(
        id=RoleId("r"), user_id=user, role=Role.OWNER, agent_group_id=None, granted_by=None, granted_at=world.now
    )
    people.grant(world.conn, owner)

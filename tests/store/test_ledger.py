"""The outbound ledger: numbers, order on a lane, attempts, and decisions that stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from nanoclaw.model.ids import ChannelName, EpochNumber, OutboundId, RunnerMessageId, SessionId
from nanoclaw.model.messages import LedgerState, NewLedgerRow
from nanoclaw.store import inbound, ledger, sessions
from nanoclaw.store.ledger import Head, Lane
from schema.sqlite import ConstraintError, execute
from tests.support.central import CHANNEL, NOW, ROOM, World, everything, said

LANE = Lane(CHANNEL, "room")
SOON = NOW + timedelta(seconds=10)
TICK = timedelta(milliseconds=1)
UNDECIDED = [LedgerState.PENDING, LedgerState.SENDING]
DECIDED = [LedgerState.DELIVERED, LedgerState.UNKNOWN, LedgerState.DEAD]


def talking() -> tuple[World, SessionId, EpochNumber]:
    """A world with one session and an open epoch of it."""
    world = World()
    session = world.session()
    return world, session, world.epoch(session)


def bring(world: World, row: OutboundId, state: LedgerState) -> None:
    """Take a pending row to *state* on the ways there are."""
    if state is LedgerState.SENDING:
        world.sent(row)
    elif state is not LedgerState.PENDING:
        ledger.settle(world.conn, row, state, now=world.now)


def head_of(world: World, now: datetime = NOW) -> OutboundId | datetime | None:
    """The id of the lane's head, or what `head` says instead."""
    found = ledger.head(world.conn, LANE, now=now)
    return found.row.id if isinstance(found, Head) else found


def test_a_new_row_is_pending_and_remembers_where_it_came_from() -> None:
    world, session, epoch = talking()
    question = world.message(session)
    row = world.out(world.reply(session, epoch, 3, answers=question, to=evolve(ROOM, thread_id="t")))
    assert (row.session_id, row.epoch, row.runner_id, row.seq) == (session, epoch, "r3", 3)
    assert (row.state, row.attempts, row.not_before, row.settled_at) == (LedgerState.PENDING, 0, None, None)
    assert (row.in_reply_to, row.channel, row.platform_id, row.thread_id) == (question, CHANNEL, "room", "t")
    assert row.created_at == NOW


@pytest.mark.parametrize("again", ["id", "runner_id", "seq"])
def test_neither_an_id_nor_a_number_is_used_twice(again: str) -> None:
    world, session, epoch = talking()
    world.reply(session, epoch, 1)
    new = NewLedgerRow(
        id=OutboundId(f"{session}/1/r1" if again == "id" else "another"),
        epoch=epoch,
        runner_id=RunnerMessageId("r1" if again == "runner_id" else "r9"),
        digest="",
        seq=1 if again == "seq" else 9,
        in_reply_to=None,
        to=ROOM,
        kind="chat",
        content="{}",
    )
    before = everything(world.conn)
    with pytest.raises(ConstraintError):
        ledger.add(world.conn, new, session=session, now=NOW)
    assert everything(world.conn) == before


@pytest.mark.parametrize(("of_host", "seq"), [(True, 3), (False, 4), (False, -1)])
def test_the_table_refuses_a_number_of_the_wrong_side(*, of_host: bool, seq: int) -> None:
    world, session, epoch = talking()
    row = world.reply(session, epoch, 1)
    if of_host:
        execute(world.conn, "UPDATE ledger SET epoch = NULL, runner_id = NULL, seq = 2")
    with pytest.raises(ConstraintError):
        execute(world.conn, "UPDATE ledger SET seq = ? WHERE id = ?", (seq, row))


def test_a_runners_row_is_known_again_by_epoch_and_id() -> None:
    world, session, epoch = talking()
    row = world.out(world.reply(session, epoch, 1))
    runner_id = RunnerMessageId("r1")
    assert ledger.digest_of(world.conn, session, epoch, runner_id) == row.digest
    assert ledger.digest_of(world.conn, session, EpochNumber(epoch + 1), runner_id) is None
    assert ledger.digest_of(world.conn, SessionId("other"), epoch, runner_id) is None
    assert ledger.digest_of(world.conn, session, epoch, RunnerMessageId("r2")) is None


def test_a_number_is_free_until_its_session_has_used_it() -> None:
    world, session, epoch = talking()
    world.reply(session, epoch, 5)
    assert not ledger.seq_is_free(world.conn, session, 5)
    assert ledger.seq_is_free(world.conn, session, 3)
    assert ledger.seq_is_free(world.conn, SessionId("other"), 5)


def test_lanes_are_those_with_something_undecided() -> None:
    world, session, epoch = talking()
    for seq, room, state in [
        (1, "b", UNDECIDED[0]),
        (3, "a", UNDECIDED[1]),
        (5, "a", UNDECIDED[0]),
        (7, "c", DECIDED[0]),
    ]:
        bring(world, world.reply(session, epoch, seq, to=evolve(ROOM, platform_id=room)), state)
    elsewhere = evolve(ROOM, channel=ChannelName("other"))
    world.reply(session, epoch, 9, to=elsewhere)
    assert ledger.lanes(world.conn) == [("other", "room"), (CHANNEL, "a"), (CHANNEL, "b")]


def test_a_lane_is_shown_to_people_as_its_channel_and_its_conversation() -> None:
    assert f"{LANE}" == "test room"


def test_an_empty_lane_has_nothing_to_do() -> None:
    world, session, epoch = talking()
    world.reply(session, epoch, 1, to=evolve(ROOM, platform_id="elsewhere"))
    bring(world, world.reply(session, epoch, 3), LedgerState.DEAD)
    assert head_of(world) is None


def test_a_lane_is_worked_off_in_the_order_of_first_sight_not_of_numbers() -> None:
    world, session, epoch = talking()
    rows = [world.reply(session, epoch, seq) for seq in (5, 1, 3)]
    for row in rows:
        assert head_of(world) == row
        world.sent(row)
        assert head_of(world) == row
        ledger.settle(world.conn, row, LedgerState.DELIVERED, now=NOW)
    assert head_of(world) is None


def test_a_row_that_was_tried_holds_up_those_behind_it() -> None:
    world, session, epoch = talking()
    first, _ = world.reply(session, epoch, 1), world.reply(session, epoch, 3)
    world.sent(first)
    ledger.put_back(world.conn, first, not_before=SOON, error="503")
    assert head_of(world) == first


def test_a_row_that_the_platform_put_off_holds_up_those_behind_it_though_its_attempt_did_not_count() -> None:
    world, session, epoch = talking()
    first, _ = world.reply(session, epoch, 1), world.reply(session, epoch, 3)
    world.sent(first)
    ledger.put_back(world.conn, first, not_before=SOON, error="429", refund=True)
    assert world.out(first).attempts == 0
    assert head_of(world) == first


def test_a_row_that_was_asked_for_later_lets_others_pass_until_then() -> None:
    world, session, epoch = talking()
    later, now = world.reply(session, epoch, 1, not_before=SOON), world.reply(session, epoch, 3)
    assert head_of(world, SOON - TICK) == now
    assert head_of(world, SOON) == later


def test_a_lane_with_nothing_but_later_rows_says_when_the_first_is_due() -> None:
    world, session, epoch = talking()
    world.reply(session, epoch, 1, not_before=SOON + timedelta(seconds=5))
    world.reply(session, epoch, 3, not_before=SOON)
    assert head_of(world, SOON - TICK) == SOON


def test_a_head_says_what_it_answers_and_whether_more_answers_follow() -> None:
    world = World()
    world.wire(world.chat(), world.agent())
    for number in (41, 42):
        world.accept(said(number))
    [session] = (found.id for found in sessions.sessions(world.conn))
    first, second = (row.id for row in inbound.open_rows(world.conn, session))
    epoch = world.epoch(session)
    rows = [
        world.reply(session, epoch, seq, answers=answers)
        for seq, answers in [(1, first), (3, second), (5, None), (7, first), (9, None)]
    ]
    seen = []
    for row in rows:
        found = ledger.head(world.conn, LANE, now=NOW)
        assert isinstance(found, Head)
        assert found.row.id == row
        seen.append((found.answers, found.more))
        ledger.settle(world.conn, row, LedgerState.DELIVERED, now=NOW)
    assert seen == [("41", True), ("42", False), (None, False), ("41", False), (None, False)]


def test_more_counts_neither_other_lanes_nor_what_is_decided() -> None:
    world, session, epoch = talking()
    question = world.message(session)
    world.reply(session, epoch, 1, answers=question)
    world.reply(session, epoch, 3, answers=question, to=evolve(ROOM, platform_id="elsewhere"))
    bring(world, world.reply(session, epoch, 5, answers=question), LedgerState.DEAD)
    found = ledger.head(world.conn, LANE, now=NOW)
    assert isinstance(found, Head)
    assert (found.answers, found.more) == (None, False)


def test_only_what_is_due_is_taken_up() -> None:
    world, session, epoch = talking()
    first, _ = world.reply(session, epoch, 1), world.reply(session, epoch, 3, not_before=NOW)
    world.sent(first)
    ledger.put_back(world.conn, first, not_before=SOON, error="503")
    before = everything(world.conn)
    found = ledger.take(world.conn, LANE, now=SOON - TICK)
    assert isinstance(found, Head)
    assert (found.row.id, ledger.is_due(found.row, SOON - TICK)) == (first, False)
    assert everything(world.conn) == before
    found = ledger.take(world.conn, LANE, now=SOON)
    assert isinstance(found, Head)
    assert (found.row.state, ledger.is_due(found.row, SOON)) == (LedgerState.PENDING, True)
    assert world.out(first).state is LedgerState.SENDING


def test_an_idle_lane_takes_nothing_up_and_says_when_it_will() -> None:
    world, session, epoch = talking()
    assert ledger.take(world.conn, LANE, now=NOW) is None
    world.reply(session, epoch, 1, not_before=SOON)
    before = everything(world.conn)
    assert ledger.take(world.conn, LANE, now=NOW) == SOON
    assert everything(world.conn) == before


def test_sending_counts_an_attempt_and_putting_back_keeps_or_refunds_it() -> None:
    world, session, epoch = talking()
    row = world.reply(session, epoch, 1)
    for refund, attempts in [(False, 1), (True, 1), (False, 2)]:
        world.now = SOON
        world.sent(row)
        assert world.out(row).attempts == attempts + refund
        assert world.out(row).state is LedgerState.SENDING
        ledger.put_back(world.conn, row, not_before=SOON, error="why", refund=refund)
        back = world.out(row)
        assert (back.state, back.attempts) == (LedgerState.PENDING, attempts)
        assert (back.not_before, back.error) == (SOON, "why")


@pytest.mark.parametrize("decision", DECIDED)
@pytest.mark.parametrize("before", UNDECIDED)
def test_a_decision_is_written_down_with_its_time(before: LedgerState, decision: LedgerState) -> None:
    world, session, epoch = talking()
    row = world.reply(session, epoch, 1)
    bring(world, row, before)
    ledger.settle(world.conn, row, decision, platform_message_id="p7", error="e", now=SOON)
    out = world.out(row)
    assert (out.state, out.platform_message_id, out.error, out.settled_at) == (decision, "p7", "e", SOON)


Change = Callable[[World, OutboundId], object]
CHANGES: list[tuple[Change, list[LedgerState]]] = [
    (lambda world, _: ledger.take(world.conn, LANE, now=NOW), [LedgerState.PENDING]),
    (lambda world, row: ledger.put_back(world.conn, row, not_before=None, error="x"), [LedgerState.SENDING]),
    *((lambda world, row, to=to: ledger.settle(world.conn, row, to, error="x", now=SOON), UNDECIDED) for to in DECIDED),
]


@pytest.mark.parametrize("state", LedgerState)
@pytest.mark.parametrize(("change", "allowed"), CHANGES)
def test_every_other_change_of_state_changes_nothing(
    change: Change, allowed: list[LedgerState], state: LedgerState
) -> None:
    world, session, epoch = talking()
    row = world.reply(session, epoch, 1)
    bring(world, row, state)
    before = everything(world.conn)
    change(world, row)
    assert (everything(world.conn) == before) is (state not in allowed)


def test_decided_rows_are_found_by_the_tick_of_their_decision() -> None:
    world, session, epoch = talking()
    rows = [world.reply(session, epoch, seq) for seq in (1, 3, 5, 7)]
    for place in (2, 0, 1):
        ledger.settle(world.conn, rows[place], LedgerState.DELIVERED, now=NOW)
    found = ledger.settled_since(world.conn, session, 0)
    assert [row.id for row in found] == [rows[2], rows[0], rows[1]]
    assert ledger.settled_since(world.conn, session, found[0].touched) == found[1:]
    assert ledger.settled_since(world.conn, session, 0, most=2) == found[1:]
    assert ledger.settled_since(world.conn, SessionId("other"), 0) == []

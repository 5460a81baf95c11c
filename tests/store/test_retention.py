"""Retention in nanoclaw.db: what is old and needed by nobody goes, a bounded number of rows at a time."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanoclaw.model.ids import EpochNumber, InboundId
from nanoclaw.model.messages import Drop, LedgerState
from nanoclaw.store import dead, drops, inbound, occurrences, retention
from nanoclaw.store.ticks import highest_seq
from schema.sqlite import execute, integer
from tests.support.central import World, everything, said
from tests.support.old_rows import KEEP, LONG, count, delivered, ended, prune, settled
from tests.support.tasks import a_task, added, outcomes, take_up


@pytest.fixture(autouse=True)
def _few_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SHOWN_SETTLED", 2)
    monkeypatch.setattr(retention, "MOST_ROWS", 3)


def test_settled_messages_go_at_their_age_and_the_last_ones_stay() -> None:
    world = World()
    session = world.session()
    for number in range(5):
        settled(world, session, f"m{number}")
    highest = highest_seq(world.conn, session)
    world.wait(seconds=LONG - 1)
    assert prune(world) == 0
    world.wait(seconds=1)
    assert prune(world) == 3
    assert [inbound.get(world.conn, InboundId(f"m{number}")) is None for number in range(5)] == [True] * 3 + [False] * 2
    assert highest_seq(world.conn, session) == highest


def test_an_open_message_stays_however_old_it_is() -> None:
    world = World()
    session = world.session()
    waiting = world.message(session, "waiting")
    for number in range(3):
        settled(world, session, f"m{number}")
    world.wait(seconds=10 * LONG)
    assert prune(world) == 1
    assert world.row(waiting).status.value == "pending"


def test_an_event_goes_with_the_last_that_accounts_for_it_and_is_known_until_then() -> None:
    world = World()
    session = world.session()
    for number in range(3):
        world.accept(said(number))
    for row in inbound.open_rows(world.conn, session):
        inbound.settle(world.conn, row.id, error=None, now=world.now)
    world.wait(seconds=LONG)
    assert prune(world) == 1
    assert count(world, "events") == 2
    again = world.accept(said(2))
    assert type(again).__name__ == "Duplicate"
    assert type(world.accept(said(0))).__name__ == "Accepted", "what is forgotten is new"


def test_an_event_that_nobody_heard_goes_with_its_drop() -> None:
    world = World()
    world.chat()
    world.accept(said())
    assert (count(world, "events"), count(world, "drops")) == (1, 1)
    world.wait(seconds=LONG)
    assert prune(world) == 1
    assert (count(world, "events"), count(world, "drops")) == (0, 0)


def test_what_is_answered_stays_while_the_answer_is_not_delivered() -> None:
    world = World()
    session = world.session()
    asked = settled(world, session, "asked")
    for number in range(3):
        settled(world, session, f"m{number}")
    epoch = world.epoch(session)
    world.reply(session, epoch, 9, answers=asked)
    world.wait(seconds=LONG)
    assert prune(world) == 1
    assert world.row(asked).status.value == "completed"


def test_messages_out_go_once_they_are_delivered_and_their_epoch_is_over() -> None:
    world = World()
    session = world.session()
    epoch = world.epoch(session)
    sent = [delivered(world, session, epoch, seq) for seq in (1, 3, 5, 7)]
    waiting = world.reply(session, epoch, 9)
    world.wait(seconds=LONG)
    assert prune(world) == 0, "its outbox may be read again"
    ended(world, session, epoch)
    assert prune(world) == 2
    assert world.out(waiting).state is LedgerState.PENDING
    assert [bool(integer(world.conn, "SELECT count(*) FROM ledger WHERE id = ?", (one,))) for one in sent] == [
        False,
        False,
        True,
        True,
    ]


def test_epochs_go_when_nothing_of_them_is_left_and_the_latest_stays() -> None:
    world = World()
    session = world.session()
    for _ in range(3):
        ended(world, session, world.epoch(session))
    world.wait(seconds=LONG)
    assert prune(world) == 2
    assert world.epoch(session) == 4


def test_an_occurrence_goes_with_its_message_and_its_task_goes_on() -> None:
    world = World()
    session = world.session()
    task = added(world, a_task(session))
    for _ in range(4):
        world.wait(seconds=3_600)
        take_up(world, task, at=world.now)
        for row in inbound.open_rows(world.conn, session):
            inbound.settle(world.conn, row.id, error=None, now=world.now)
    assert len(outcomes(world.conn)) == 5
    world.wait(seconds=LONG)
    assert prune(world) == 2
    assert len(outcomes(world.conn)) == 3
    assert not occurrences.waiting(world.conn, task.id)


def test_a_drop_of_an_epoch_that_lives_stays() -> None:
    world = World()
    session = world.session()
    epoch = world.epoch(session)
    drop = partial(Drop, kind="outbound", session_id=session, reference="r1", reason="bad-seq", detail="")
    drops.record(world.conn, drop(key="open", epoch=epoch, dropped_at=world.now))
    world.wait(seconds=LONG)
    assert prune(world) == 0
    ended(world, session, epoch)
    assert prune(world) == 1


def test_each_step_is_bounded_and_the_next_goes_on_behind_it() -> None:
    world = World()
    session = world.session()
    for number in range(8):
        settled(world, session, f"m{number}")
    world.wait(seconds=LONG)
    first = retention.inbound(world.conn, after=0, keep=KEEP, now=world.now)
    assert (first.removed, first.after) == (3, 3)
    second = retention.inbound(world.conn, after=first.after, keep=KEEP, now=world.now)
    assert (second.removed, second.after) == (3, 6)
    assert retention.inbound(world.conn, after=second.after, keep=KEEP, now=world.now) == retention.Step(
        removed=0, after=0
    )


@given(st.lists(st.tuples(st.sampled_from("scfdwe"), st.integers(0, 1), st.integers(0, 400)), max_size=30))
@settings(max_examples=40)
def test_whatever_happened_nothing_that_is_needed_goes(story: list[tuple[str, int, int]]) -> None:
    world = World()
    rooms = [world.session(name, room=name) for name in "ab"]
    lives = [world.epoch(room) for room in rooms]
    for number, (what, which, days) in enumerate(story):
        world.wait(seconds=days * 86_400)
        room = rooms[which]
        match what:
            case "s":
                settled(world, room, f"m{number}")
            case "c":
                world.message(room, f"m{number}")
            case "f":
                settled(world, room, f"m{number}", error="broke")
            case "d":
                message = world.reply(room, lives[which], highest_seq(world.conn, room) // 2 * 2 + 3)
                execute(
                    world.conn,
                    "UPDATE ledger SET state = 'delivered', settled_at = created_at WHERE id = ?",
                    (message,),
                )
            case "w":
                world.reply(room, lives[which], highest_seq(world.conn, room) // 2 * 2 + 3)
            case _:
                ended(world, room, lives[which])
                lives[which] = world.epoch(room)
    before = everything(world.conn)
    highest = [highest_seq(world.conn, room) for room in rooms]
    shown = [[row.id for row in inbound.shown(world.conn, room, EpochNumber(99))][-2:] for room in rooms]
    letters = dead.dead_letters(world.conn, 99)
    prune(world)
    after = everything(world.conn)
    assert [highest_seq(world.conn, room) for room in rooms] == highest
    assert [[row.id for row in inbound.shown(world.conn, room, EpochNumber(99))][-2:] for room in rooms] == shown
    assert dead.dead_letters(world.conn, 99) == letters
    for table, rows in before.items():
        gone = [row for row in rows if row not in after[table]]
        assert table in {"inbound", "ledger", "epochs", "drops", "events"} or not gone
        assert all(row.get("settled_at", row.get("ended_at", "gone")) is not None for row in gone)


def test_the_highest_number_stays_however_long_ago_it_was_delivered() -> None:
    world = World()
    session = world.session()
    epoch = world.epoch(session)
    delivered(world, session, epoch, 9)
    for seq in (1, 3, 5):
        delivered(world, session, epoch, seq)
    ended(world, session, epoch)
    world.wait(seconds=LONG)
    assert prune(world) == 1
    assert highest_seq(world.conn, session) == 9

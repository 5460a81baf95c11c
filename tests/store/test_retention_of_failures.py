"""Retention in nanoclaw.db: what failed stays until somebody has dealt with it, and that is known as long."""

from __future__ import annotations

import pytest

from nanoclaw.model.ids import InboundId
from nanoclaw.model.messages import LedgerState
from nanoclaw.store import dead, inbound, ledger, retention
from tests.support.central import World
from tests.support.old_rows import LONG, count, delivered, ended, prune, settled


@pytest.fixture(autouse=True)
def _few_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SHOWN_SETTLED", 2)
    monkeypatch.setattr(retention, "MOST_ROWS", 3)


def test_what_failed_stays_until_somebody_has_dealt_with_it() -> None:
    world = World()
    session = world.session()
    retried, dropped, left = (settled(world, session, name, error="broke") for name in ("retried", "dropped", "left"))
    dead.retry(world.conn, world.row(retried), now=world.now)
    inbound.settle(world.conn, InboundId("retried~1"), error=None, now=world.now)
    dead.drop(world.conn, world.row(dropped), now=world.now)
    for number in range(3):
        settled(world, session, f"m{number}")
    letters = dead.dead_letters(world.conn, 9)
    world.wait(seconds=LONG)
    while prune(world):
        assert dead.dead_letters(world.conn, 9) == letters
    assert [letter.id for letter in letters] == [left]
    assert count(world, "inbound") == 3
    assert count(world, "drops") == 0


def test_what_may_not_have_arrived_stays_until_somebody_has_dealt_with_it() -> None:
    world = World()
    session = world.session()
    epoch = world.epoch(session)
    dropped, left = world.reply(session, epoch, 1), world.reply(session, epoch, 3)
    for message, state in ((dropped, LedgerState.DEAD), (left, LedgerState.UNKNOWN)):
        world.sent(message)
        ledger.settle(world.conn, message, state, now=world.now)
    dead.drop(world.conn, world.out(dropped), now=world.now)
    for seq in (5, 7, 9):
        delivered(world, session, epoch, seq)
    ended(world, session, epoch)
    world.wait(seconds=LONG)
    assert prune(world) == 3, "one that was set aside, the record of that, and one that was delivered"
    assert [letter.id for letter in dead.dead_letters(world.conn, 9)] == [left]


def test_that_somebody_dealt_with_a_failure_is_known_as_long_as_the_failure_is() -> None:
    world = World()
    session = world.session()
    retried = settled(world, session, "retried", error="broke")
    dead.retry(world.conn, world.row(retried), now=world.now)
    inbound.settle(world.conn, InboundId("retried~1"), error=None, now=world.now)
    for number in range(3):
        settled(world, session, f"m{number}")
    world.reply(session, world.epoch(session), 99, answers=retried)
    world.wait(seconds=LONG)
    assert prune(world) == 1
    assert dead.dead_letters(world.conn, 9) == []

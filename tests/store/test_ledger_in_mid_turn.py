"""What is said in mid-turn: more follows, unless it asks something."""

from __future__ import annotations

from nanoclaw.store import inbound, ledger
from nanoclaw.store.ledger import Head, Lane
from tests.support.central import CHANNEL, NOW, World
from tests.support.questions import asked

LANE = Lane(CHANNEL, "room")


def more_follows(world: World) -> bool:
    found = ledger.head(world.conn, LANE, now=NOW)
    assert isinstance(found, Head)
    return found.more


def test_what_is_said_in_mid_turn_is_not_all() -> None:
    world = World()
    session = world.session()
    heard, epoch = world.claimed(session)
    world.reply(session, epoch, 1, answers=heard)
    assert more_follows(world)
    inbound.settle(world.conn, heard, error=None, now=NOW)
    assert not more_follows(world)


def test_a_question_in_mid_turn_waits_for_somebody_else() -> None:
    world = World()
    session = world.session()
    heard, _ = world.claimed(session)
    asked(world, session, answers=heard, shown=False)
    assert not more_follows(world)

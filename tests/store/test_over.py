"""A message is over when no agent is at it any more and every answer to it has been decided."""

from __future__ import annotations

from nanoclaw.model.ids import InboundId
from nanoclaw.model.messages import LedgerState
from nanoclaw.store import events, inbound, ledger, over
from nanoclaw.store.over import Over
from tests.support.central import CHANNEL, NOW, World, said


def heard_by(world: World, *names: str) -> tuple[events.Accepted, list[InboundId]]:
    chat = world.chat("room")
    for name in names:
        world.wire(chat, world.agent(name))
    accepted = world.accept(said())
    assert isinstance(accepted, events.Accepted)
    rows = [row.id for session in accepted.woken for row in inbound.open_rows(world.conn, session)]
    return accepted, rows


def test_it_is_over_when_the_last_agent_has_settled_it() -> None:
    world = World()
    accepted, (first, second) = heard_by(world, "nano", "mimo")
    assert over.of_events(world.conn, [accepted.event]) == []
    inbound.settle(world.conn, first, error=None, now=NOW)
    assert over.of_events(world.conn, [accepted.event]) == []
    inbound.settle(world.conn, second, error="it failed", now=NOW)
    assert over.of_events(world.conn, [accepted.event]) == [Over(CHANNEL, "1")]


def test_it_is_not_over_before_the_last_answer_is_decided() -> None:
    world = World()
    accepted, (row,) = heard_by(world, "nano")
    epoch = world.epoch(accepted.woken[0])
    answer = world.reply(accepted.woken[0], epoch, 1, answers=row)
    inbound.settle(world.conn, row, error=None, now=NOW)
    assert over.of_events(world.conn, [accepted.event]) == []
    world.sent(answer)
    assert over.of_answer(world.conn, row) == []
    ledger.settle(world.conn, answer, LedgerState.DELIVERED, now=NOW)
    assert over.of_answer(world.conn, row) == [Over(CHANNEL, "1")]


def test_the_hosts_own_answer_to_a_message_that_no_agent_hears_counts_as_well() -> None:
    world = World()
    accepted, (row,) = heard_by(world, "nano")
    inbound.settle(world.conn, row, error=None, now=NOW)
    assert over.of_answer(world.conn, accepted.event) == [Over(CHANNEL, "1")]


def test_what_answers_nothing_that_is_known_ends_nothing() -> None:
    world = World()
    assert over.of_answer(world.conn, "in-nowhere") == []
    assert over.of_events(world.conn, []) == []

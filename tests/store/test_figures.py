"""The figures of a home."""

from __future__ import annotations

from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.messages import EpochEnding, LedgerState
from nanoclaw.store import inbound, ledger
from nanoclaw.store.ending import close_epoch
from nanoclaw.store.figures import Figures, figures
from nanoclaw.store.ledger import Lane
from tests.support.central import CHANNEL, NOW, World, said


def test_an_empty_home_counts_nothing() -> None:
    nothing = Figures(
        agent_groups=0,
        sessions=0,
        events=0,
        waiting=0,
        claimed=0,
        failed=0,
        undelivered=0,
        delivered=0,
        unknown=0,
        dead=0,
        rejected=0,
        drops=0,
        sandboxes=0,
    )
    assert figures(World().conn) == nothing


def test_each_figure_counts_what_its_name_says() -> None:
    world = World()
    for number in range(10):
        world.agent(f"idle {number}")
    sessions = [world.session(f"agent {number}", room=f"room {number}") for number in range(5)]
    for number in range(4):
        world.accept(said(number, room="nowhere"))
    broken, mute, *running = sessions
    # One message of the first fails, and the host says so: to its agent, who is not woken by it, and to its chat.
    _, epoch = world.claimed(broken, "broken")
    close_epoch(world.conn, broken, epoch, EpochEnding.EXITED, "", policy=RetryPolicy(most_tries=1), now=NOW)
    inbound.settle(world.conn, world.message(broken, "done"), error=None, now=NOW)
    claims = [world.claimed(session, f"claimed {session}") for session in running]
    for number in range(6):
        world.message(mute, f"waiting {number}")
    states = [LedgerState.DELIVERED] * 8 + [LedgerState.UNKNOWN] * 7 + [LedgerState.DEAD] * 2
    rows = [world.reply(running[0], claims[0][1], 2 * place + 1) for place in range(len(states) + 11)]
    for row, state in zip(rows, states, strict=False):
        ledger.settle(world.conn, row, state, now=NOW)
    ledger.take(world.conn, Lane(CHANNEL, "room"), now=NOW)
    assert figures(world.conn) == Figures(
        agent_groups=15,
        sessions=5,
        events=4,
        waiting=9,
        claimed=3,
        failed=1,
        undelivered=12,
        delivered=8,
        unknown=7,
        dead=2,
        rejected=0,
        drops=4,
        sandboxes=3,
    )

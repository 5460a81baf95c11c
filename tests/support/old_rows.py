"""Rows that grow old, and the passage through all tables that removes what may go."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from nanoclaw.model.ids import EpochNumber, InboundId, OutboundId, SessionId
from nanoclaw.model.messages import EpochEnding, LedgerState
from nanoclaw.store import epochs, inbound, ledger, retention
from nanoclaw.store.verify import verify
from schema.sqlite import integer, transaction
from tests.support.central import World

KEEP = timedelta(days=365)
LONG = KEEP.total_seconds()
PRUNES = (retention.inbound, retention.ledger, retention.drops, retention.epochs, retention.approvals)


def prune(world: World) -> int:
    """Go through all tables once; returns how many rows went."""
    removed = 0
    for table in PRUNES:
        after = 0
        while True:
            with transaction(world.conn):
                step = table(world.conn, after=after, keep=KEEP, now=world.now)
            removed, after = removed + step.removed, step.after
            if not after:
                break
    # With no host, an epoch that lives counts as left open.
    problems = verify(world.conn, Path("/nonexistent"), host=None, now=world.now)
    assert all("left open" in problem.what for problem in problems)
    return removed


def count(world: World, table: str) -> int:
    """How many rows a table has."""
    return integer(world.conn, f"SELECT count(*) FROM {table}")


def settled(world: World, session: SessionId, name: str, *, error: str | None = None) -> InboundId:
    """A message in that is settled, with *error* if it failed."""
    row = world.message(session, name)
    inbound.settle(world.conn, row, error=error, now=world.now)
    return row


def delivered(world: World, session: SessionId, epoch: EpochNumber, seq: int) -> OutboundId:
    """A message out that has arrived."""
    message = world.reply(session, epoch, seq)
    world.sent(message)
    ledger.settle(world.conn, message, LedgerState.DELIVERED, now=world.now)
    return message


def ended(world: World, session: SessionId, epoch: EpochNumber) -> None:
    """An epoch is over."""
    epochs.end(world.conn, session, epoch, EpochEnding.EXITED, "", now=world.now)

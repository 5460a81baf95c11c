"""Taking over what a dead host left running, from an engine that does not answer at once."""

from __future__ import annotations

from pathlib import Path

import trio
from attrs import define
from trio.testing import MockClock

from nanoclaw.actors.sessions import Sessions
from nanoclaw.errors import SandboxError
from nanoclaw.kit.tree import TreeNode
from nanoclaw.link.inbox import Inbox
from nanoclaw.link.projector import InboundFile
from nanoclaw.link.report import Report
from nanoclaw.link.snapshot import Snapshot
from nanoclaw.model.ids import SessionId
from nanoclaw.sandboxes.engine import LifeName
from nanoclaw.store import epochs, projection
from nanoclaw.store.sessions import session_place
from schema.sqlite import fetch
from tests.actors.test_held_up import START, Box, Boxes, parts_in
from tests.support.central import World
from tests.support.inline_database import InlineDatabase

FAILURES = 2


@define(eq=False)
class Survived(Boxes):
    """An engine with a sandbox that outlived its host. It is asked more often than it answers."""

    asked: int = 0

    async def adopt(self, life: LifeName) -> Box | None:
        """Not at once."""
        await trio.lowlevel.checkpoint()
        self.asked += 1
        if self.asked <= FAILURES:
            raise SandboxError(engine=self.name, why="it does not answer")
        self.made.append(Box())
        return self.made[-1]


class QuietCustoms:
    """Customs of an outbox in which nothing was said."""

    async def inspect(self, snapshot: Snapshot, *, after: int, session: SessionId) -> Report:
        """There is nothing in it."""
        await trio.lowlevel.checkpoint()
        return Report(rows=(), bad=(), acks=(), states=(), tool=None, cursor=after, more=False)


async def test_a_sandbox_is_taken_over_also_where_the_engine_answers_at_the_third_time_only(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    store, engine = InlineDatabase(), Survived()
    world = World(store.conn, START)
    parts = parts_in(tmp_path, store, engine, QuietCustoms())
    place = session_place(store.conn, world.session())
    assert place is not None
    number = epochs.begin(store.conn, place.session.id, engine=engine.name, now=START)
    layout = parts.folders.layout(place.session)
    layout.make_epoch(number)
    whole = projection.whole(store.conn, place, number, timezone="UTC")
    InboundFile.make(layout.inbound, whole, Inbox(layout.inbox, parts.folders.spool))
    async with trio.open_nursery() as nursery:
        await nursery.start(Sessions(parts, TreeNode("sessions")).run)
        await trio.sleep(5)
        assert engine.asked == FAILURES + 1
        found = fetch(store.conn, "SELECT number, ending FROM epochs")
        assert [(row["number"], row["ending"]) for row in found] == [(number, None)]
        nursery.cancel_scope.cancel()

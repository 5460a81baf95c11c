"""A drain hands on what a runner says beside its messages: drafts to be shown, and what results took to be counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, field

from nanoclaw.actors.drain import Drain, OutboxBrokenError
from nanoclaw.actors.parts import Folders, Parts
from nanoclaw.actors.vigil import Vigil
from nanoclaw.core.stuck import StuckPolicy
from nanoclaw.kit.clock import TrioClock
from nanoclaw.link.answer import decode, encode
from nanoclaw.link.reader import read_file
from nanoclaw.link.report import DraftRow, Inspected
from nanoclaw.link.snapshot import Snapshot
from nanoclaw.link.tables import MOST_ROWS
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import SessionId
from nanoclaw.store import usage
from nanoclaw.store.events import Accepted
from nanoclaw.store.home import make_folders
from nanoclaw.store.inbound import open_rows
from nanoclaw.store.over import Over
from nanoclaw.store.sessions import session_place
from schema.progress import Draft, Usage
from schema.rows import bindings, insert_sql
from schema.sqlite import Connection, Journal, Synchronous, execute, open_read_write, transaction
from schema.times import write_time
from tests.support.central import CHANNEL, NOW, World, said
from tests.support.inline_database import InlineDatabase
from tests.support.inline_threads import InlineThreads


class CustomsHere:
    """Reads on the spot."""

    async def inspect(self, snapshot: Snapshot, *, after: int, session: SessionId) -> Inspected:
        """As customs does, without the worker."""
        await trio.lowlevel.checkpoint()
        return decode(encode(read_file(snapshot.db, snapshot.journal, after)), after)


def nothing(*_: Any) -> Any:
    """Of what a drain has no use for."""


@define
class Case:
    """An outbox, and what became of what is written there."""

    store: InlineDatabase
    outbox: Connection
    drain: Drain
    shown: list[tuple[DraftRow, ...]] = field(factory=list[tuple[DraftRow, ...]])
    over: list[Over] = field(factory=list[Over])

    async def say(self, write: Callable[[Connection], object]) -> None:
        with transaction(self.outbox):
            write(self.outbox)
        await self.drain.look()

    def results(self) -> int:
        return sum(total.results for total in usage.totals(self.store.conn, by_session=True))


@asynccontextmanager
async def draining(home: Path) -> AsyncIterator[Case]:
    make_folders(home)
    store = InlineDatabase()
    world = World(store.conn)
    session = world.session()
    epoch = world.epoch(session)
    place = session_place(store.conn, session)
    assert place is not None
    shown: list[tuple[DraftRow, ...]] = []
    over: list[Over] = []

    def note(_: SessionPlace, rows: tuple[DraftRow, ...]) -> None:
        shown.append(rows)

    parts = Parts(
        store=store,
        customs=CustomsHere(),
        engine=nothing,  # type: ignore[arg-type]  # not used here
        watch=nothing,  # type: ignore[arg-type]  # not used here
        clock=TrioClock(NOW),
        folders=Folders(home=home),
        nudge=nothing,
        image=nothing,
        told=nothing,
        check_mounts=nothing,
        drafts=note,
        over=over.extend,
        disk=InlineThreads(),
        threads=InlineThreads(),
    )
    layout = parts.folders.layout(place.session)
    layout.make_epoch(epoch)
    outbox = open_read_write(layout.outbound(epoch), Journal.DELETE, Synchronous.FULL)
    with layout.open_out(epoch) as out:
        drain = Drain(parts, place, epoch, out, 0, Vigil(epoch, StuckPolicy()))
        yield Case(store, outbox, drain, shown, over)
    outbox.close()
    store.close()


def writing(text: str) -> Callable[[Connection], object]:
    draft = Draft(reply="r1", destination=None, in_reply_to=None, text=text, tool=None, updated_at=NOW)
    return lambda conn: execute(conn, insert_sql("drafts", Draft, replace=True), bindings(draft))


def took(seq: int) -> Callable[[Connection], object]:
    row = Usage(seq=seq, at=NOW, model="m", read=10, written=1, cost_usd=0.5)
    return lambda conn: execute(conn, insert_sql("usage", Usage), bindings(row))


async def test_each_state_of_a_draft_is_handed_on_once_and_so_is_its_end(tmp_path: Path) -> None:
    async with draining(tmp_path) as case:
        await case.say(writing("Once"))
        await case.say(took(1))
        await case.say(writing("Once upon"))
        await case.say(lambda conn: execute(conn, "DELETE FROM drafts"))
        assert [[row.text for row in rows] for rows in case.shown] == [["Once"], ["Once upon"], []]


async def test_what_results_took_is_counted_although_nothing_else_was_said(tmp_path: Path) -> None:
    async with draining(tmp_path) as case:
        await case.say(took(1))
        assert case.results() == 1
        await case.say(took(2))
        await case.drain.look()
        assert case.results() == 2


async def test_a_message_that_its_agent_is_done_with_is_said_to_be_over(tmp_path: Path) -> None:
    async with draining(tmp_path) as case:
        accepted = World(case.store.conn).accept(said(7))
        assert isinstance(accepted, Accepted)
        (row,) = open_rows(case.store.conn, accepted.woken[0])
        ack = "INSERT OR REPLACE INTO processing_ack VALUES (?, ?, ?, NULL)"
        await case.say(lambda conn: execute(conn, ack, (row.id, "processing", write_time(NOW))))
        assert case.over == []
        await case.say(lambda conn: execute(conn, ack, (row.id, "completed", write_time(NOW))))
        assert case.over == [Over(CHANNEL, "7")]


async def test_what_says_ever_more_at_once_is_called_a_flood_and_not_unsteady(tmp_path: Path) -> None:
    async with draining(tmp_path) as case:
        case.drain.most_looks = 2
        rows = [(f"m{number}", 2 * number + 1) for number in range(3 * MOST_ROWS)]
        sql = "INSERT INTO messages_out VALUES (?, ?, NULL, ?, NULL, 'chat', NULL, '{\"text\": \"again\"}')"
        with pytest.raises(OutboxBrokenError, match="flood: 2 looks"):
            await case.say(lambda conn: [conn.execute(sql, (*row, write_time(NOW))) for row in rows])
        await case.drain.look()

"""Messages that their platform had taken and rejected later: what is on record, who is told, how it is sent again."""

from __future__ import annotations

import pytest
from attrs import evolve

from nanoclaw.core.parts import Part
from nanoclaw.core.rejections import Leave, Reject, judge
from nanoclaw.errors import UsageError
from nanoclaw.model.files import LedgerFile
from nanoclaw.model.ids import OutboundId, SessionId, SpoolId
from nanoclaw.model.messages import LedgerRow, LedgerState, Rejection
from nanoclaw.store import dead, files, ledger, parts, projection
from nanoclaw.store.figures import figures
from nanoclaw.store.ledger import Head, Lane
from nanoclaw.store.migrate import migrate
from nanoclaw.store.rejections import Rejected, reject
from schema.files import central_ddl
from schema.rows import DeliveredStatus
from schema.sqlite import IN_MEMORY, Journal, Synchronous, execute, fetch, open_read_write
from tests.support.central import CHANNEL, NOW, World, everything

MIGRATION = 22
LANE = Lane(CHANNEL, "room")
TOLD = Rejection(channel=CHANNEL, platform_message_id="theirs", platform_id="room", why="there is no such address")


def sent(state: LedgerState = LedgerState.DELIVERED) -> tuple[World, SessionId, OutboundId]:
    """A world in which an agent has said something, and what became of it."""
    world = World()
    session = world.session()
    row = world.reply(session, world.epoch(session), 1)
    ledger.settle(world.conn, row, state, platform_message_id="theirs", now=NOW)
    return world, session, row


def notes(world: World) -> list[str]:
    return [str(row["content"]) for row in fetch(world.conn, "SELECT content FROM inbound WHERE kind = 'system'")]


def row_in(state: LedgerState) -> LedgerRow:
    world, _, row = sent()
    return evolve(world.out(row), state=state)


@pytest.mark.parametrize("state", LedgerState)
def test_what_did_not_arrive_cannot_be_rejected_and_all_else_can(state: LedgerState) -> None:
    verdict = judge(TOLD, row_in(state))
    if state in {LedgerState.DEAD, LedgerState.REJECTED}:
        assert isinstance(verdict, Leave)
    else:
        assert verdict == Reject(TOLD.why)


def test_nobody_says_anything_of_messages_that_are_not_there_or_went_elsewhere() -> None:
    assert isinstance(judge(TOLD, None), Leave)
    assert isinstance(judge(evolve(TOLD, platform_id="hall"), row_in(LedgerState.DELIVERED)), Leave)


def test_a_message_that_is_rejected_later_is_on_record_and_its_agent_is_told_once() -> None:
    world, session, row = sent()
    assert reject(world.conn, TOLD, now=NOW) == Rejected(session, asked=False)
    found = world.out(row)
    assert (found.state, found.error, found.settled_at) == (LedgerState.REJECTED, TOLD.why, NOW)
    (note,) = notes(world)
    assert "is rejected: there is no such address" in note
    assert [one.id for one in dead.dead_letters(world.conn, 10)] == [row]
    assert (figures(world.conn).delivered, figures(world.conn).rejected) == (0, 1)
    (shown,) = [one for one in ledger.settled_since(world.conn, session, 0) if one.id == row]
    assert projection.STATUS[shown.state] is DeliveredStatus.FAILED
    before = everything(world.conn)
    assert isinstance(reject(world.conn, TOLD, now=NOW), Leave)
    assert everything(world.conn) == before


@pytest.mark.parametrize(
    ("told", "drops"),
    [
        (evolve(TOLD, platform_message_id="another"), 0),
        (evolve(TOLD, platform_id="hall"), 1),
    ],
)
def test_what_is_said_of_a_message_that_is_not_so_changes_none(told: Rejection, drops: int) -> None:
    world, _, row = sent()
    for _ in range(2):
        assert isinstance(reject(world.conn, told, now=NOW), Leave)
    assert world.out(row).state is LedgerState.DELIVERED
    assert notes(world) == []
    assert figures(world.conn).drops == drops


def test_a_part_that_is_rejected_is_the_end_of_its_message_and_all_parts_are_sent_again() -> None:
    world = World()
    session = world.session()
    row = world.reply(session, world.epoch(session), 1)
    parts.decide(world.conn, row, [Part(text="one"), Part(text="two")])
    world.sent(row)
    parts.arrived(world.conn, row, 0, "theirs", now=NOW)
    assert isinstance(reject(world.conn, TOLD, now=NOW), Rejected)
    assert world.out(row).state is LedgerState.REJECTED
    ledger.settle(world.conn, row, LedgerState.DELIVERED, now=NOW)
    assert world.out(row).state is LedgerState.REJECTED, "the rest of it arrives in vain"
    dead.retry(world.conn, world.out(row), now=NOW)
    again = ledger.head(world.conn, LANE, now=NOW)
    assert isinstance(again, Head)
    assert [one.arrived for one in again.parts] == [False, False]
    assert not again.row.doubt


def test_what_was_sent_with_files_is_not_sent_again_without_them() -> None:
    world, _, row = sent()
    files.add_to_message(world.conn, row, [LedgerFile(name="a", size=1, digest="d", spool_id=SpoolId("s"))])
    reject(world.conn, TOLD, now=NOW)
    with pytest.raises(UsageError, match="its files are gone"):
        dead.retry(world.conn, world.out(row), now=NOW)


def test_messages_of_an_older_home_keep_their_places_and_no_place_is_used_twice() -> None:
    conn = open_read_write(IN_MEMORY, Journal.WAL, Synchronous.FULL)
    migrate(conn, central_ddl()[: MIGRATION - 1])
    add = (
        "INSERT INTO ledger (id, digest, channel, platform_id, kind, content, state, created_at, touched)"
        " VALUES (?, 'd', 'test', 'room', 'chat', '{}', 'pending', '', 1)"
    )
    for name in ("one", "two", "three"):
        execute(conn, add, (name,))
    execute(conn, "DELETE FROM ledger WHERE id = 'three'")
    migrate(conn, central_ddl()[:MIGRATION])
    execute(conn, add, ("four",))
    found = {str(row["id"]): row["position"] for row in fetch(conn, "SELECT id, position FROM ledger")}
    assert found == {"one": 1, "two": 2, "four": 4}

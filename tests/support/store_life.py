"""The lives of a store on a simulated disk: what it does, what it promised, and whether the promise was kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from attrs import define, evolve, field

from nanoclaw.errors import StoreFullError
from nanoclaw.model.entities import AgentGroup, MessagingGroup, UnknownSenderPolicy
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, UserId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.store import entities, events, wirings
from nanoclaw.store.opening import open_writer
from nanoclaw.store.writer import Done, Failed, Outcome, Writer
from schema import files
from schema.sqlite import Connection, SqliteError, fetch, integer, scalar
from tests.support.central import always
from tests.support.simulated_vfs import SimulatedVfs

PATH = Path("/disk/nanoclaw.db")
NOW = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
CHAT = MessagingGroupId("mg-1")
AGENTS = ("one", "two")
BATCHES = ((1,), (2, 3))
AFTER_REOPENING = ((4,), (5,))
CHECKPOINT_PAGES = 20
"""Few enough that checkpoints fall between the batches, and that the log starts over under the later ones."""
MIGRATIONS = ("".join(files.central_ddl()), "CREATE TABLE later (id TEXT) STRICT; INSERT INTO later VALUES ('x')")
"""Two, so that a start can end between them: all there are, and one more."""

Opener = Callable[[SimulatedVfs], Writer]


class WithdrawnError(Exception):
    """What a call raises that must leave nothing behind."""


@define(eq=False)
class Book:
    """What was asked of the store, and what it acknowledged."""

    batches: list[tuple[int, ...]] = field(factory=list)
    acknowledged: set[int] = field(factory=set)
    is_set_up: bool = False
    refused: list[StoreFullError] = field(factory=list)
    make_room: Callable[[], None] = field(default=lambda: None)
    """Called when the store had no space."""

    def copy(self) -> Book:
        """The book as it is now."""
        return evolve(self, batches=list(self.batches), acknowledged=set(self.acknowledged), refused=[])

    def accept(self, writer: Writer, batch: Sequence[int]) -> None:
        """Accept events of these numbers in one batch, beside a call that fails. Raises what ends the process."""
        self.batches.append(tuple(batch))
        outcomes = writer.run([*(partial(accept, number=number) for number in batch), accept_and_withdraw])
        assert isinstance(outcomes.pop(), Failed), "a call that raised was acknowledged"
        for number, outcome in zip(batch, outcomes, strict=True):
            if self._is_done(outcome):
                self.acknowledged.add(number)
        writer.checkpoint_if_long()
        if writer.broken is not None:
            raise writer.broken

    def set_up(self, writer: Writer) -> None:
        """Two agents in one chat. Repeated until it was acknowledged, as a first start is."""
        while not self.is_set_up:
            self.is_set_up = self._is_done(*writer.run([add_two_agents]))

    def _is_done(self, outcome: Outcome) -> bool:
        match outcome:
            case Done():
                return True
            case Failed(StoreFullError() as error):
                self.refused.append(error)
                self.make_room()
                return False
            case Failed(error):
                raise error


def open_on(vfs: SimulatedVfs) -> Writer:
    """The store's own way of opening."""
    conn = open_writer(PATH, migrations=MIGRATIONS, vfs=vfs.name, exclusive=True).conn
    return Writer(conn, checkpoint_pages=CHECKPOINT_PAGES)


def live(vfs: SimulatedVfs, book: Book, *, opener: Opener = open_on) -> None:
    """A whole life: a start on an empty disk, batches with checkpoints between, an end, and a second start.

    Raises:
      StoreError: The disk would not have it. The process that lives this life ends there.
    """
    for batches in (BATCHES, AFTER_REOPENING):
        with closing(opener(vfs)) as writer:
            book.set_up(writer)
            for batch in batches:
                book.accept(writer, batch)


def check(vfs: SimulatedVfs, book: Book) -> None:
    """Start once more: the store has to be as the *book* says, and to take another event."""
    with closing(open_on(vfs)) as writer:
        compare(writer, book)


def compare(writer: Writer, book: Book) -> None:
    """Compare the store with the *book*; then it has to take another event."""
    conn = writer.conn
    assert scalar(conn, "PRAGMA integrity_check") == "ok"
    assert fetch(conn, "PRAGMA foreign_key_check") == []
    assert fetch(conn, "SELECT id FROM later") == [{"id": "x"}]
    wirings = integer(conn, "SELECT count(*) FROM wirings")
    assert wirings == len(AGENTS) or (wirings == 0 and not book.is_set_up)
    found = [int(str(row["platform_message_id"])) for row in fetch(conn, "SELECT * FROM events ORDER BY rowid")]
    assert found == sorted(set(found)), "in order, and once each"
    missing = book.acknowledged - set(found)
    assert not missing, f"acknowledged and gone: {missing}"
    for batch in book.batches:
        assert len(set(batch) & set(found)) in {0, len(batch)}, f"half of a batch: {batch} of {found}"
    for agent in AGENTS:
        rows = fetch(
            conn,
            "SELECT i.event_id, i.seq FROM inbound i JOIN sessions s ON s.id = i.session_id"
            " WHERE s.agent_group_id = ? ORDER BY i.seq",
            (agent,),
        )
        assert [row["event_id"] for row in rows] == [f"evt-{number}" for number in found], "half of an event"
        assert [row["seq"] for row in rows] == [2 * place for place in range(1, len(found) + 1)]
    book.is_set_up = wirings > 0
    book.set_up(writer)
    book.accept(writer, (max(found, default=0) + 100,))


def accept(conn: Connection, *, number: int) -> None:
    """The ingress transaction, with texts of a few bytes and of a whole page."""
    event = InboundEvent(
        channel=ChannelName("test"),
        platform_message_id=str(number),
        platform_id="room",
        mention=False,
        is_group=True,
        sender_id=UserId("test:ada"),
        sender=f"Ada {number}",
        text=f"{number} " * (10 if number % 2 else 1_000),
    )
    verdict = events.accept(
        conn, event, threaded=False, mint=lambda prefix: f"{prefix}-{_fresh(conn, prefix, number)}", now=NOW
    )
    assert isinstance(verdict, events.Accepted)
    assert len(verdict.woken) == len(AGENTS)


def accept_and_withdraw(conn: Connection) -> None:
    """The same, undone."""
    accept(conn, number=999)
    raise WithdrawnError


def add_two_agents(conn: Connection) -> None:
    """Two agents that hear one chat."""
    chat = MessagingGroup(
        id=CHAT,
        channel=ChannelName("test"),
        platform_id="room",
        name="Room",
        is_group=True,
        unknown_sender_policy=UnknownSenderPolicy.PUBLIC,
        created_at=NOW,
    )
    entities.add_messaging_group(conn, chat)
    for name in AGENTS:
        agent = AgentGroupId(name)
        entities.add_agent_group(conn, AgentGroup(id=agent, name=name, folder=name, created_at=NOW))
        wirings.add_wiring(conn, always(name, CHAT, agent), now=NOW)


@contextmanager
def closing(writer: Writer) -> Iterator[Writer]:
    """Close the writer, as far as its disk lets it: a process that ends has nobody to tell."""
    try:
        yield writer
    finally:
        with suppress(SqliteError):
            writer.close()


def _fresh(conn: Connection, prefix: str, number: int) -> int:
    return number if prefix == "evt" else integer(conn, "SELECT count(*) FROM sessions")

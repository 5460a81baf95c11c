"""Writing in/inbound.db: made anew for an epoch, shown what changed, and never waiting for ever."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.crowds import CONTEXT_STEP, MOST_CONTEXT
from nanoclaw.kit.spool import Spool
from nanoclaw.link.inbox import Inbox
from nanoclaw.link.projector import InboundFile
from nanoclaw.model.files import Attachment
from nanoclaw.model.ids import EventId
from schema import LINK_VERSION, sqlite
from schema.rows import (
    Delivered,
    DeliveredStatus,
    Destination,
    DestinationType,
    InKind,
    InStatus,
    MessageIn,
    Meta,
    Routing,
    select,
)
from schema.sqlite import BUSY_TIMEOUT_MS, BusyError, Connection, ConstraintError, fetch, integer, scalar

NOW = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
MESSAGE = MessageIn(
    id="m1",
    seq=2,
    kind=InKind.CHAT,
    timestamp=NOW,
    status=InStatus.PENDING,
    platform_id="room",
    channel_type="test",
    content="{}",
)
REPLY = Delivered(
    message_out_id="r1",
    seq=3,
    platform_message_id="p1",
    status=DeliveredStatus.DELIVERED,
    delivered_at=NOW,
    channel_type="test",
    platform_id="room",
    thread_id=None,
)
META = Meta(epoch=3, seq_floor=7, provider_state='{"a": "b"}', timezone="UTC")
ROUTING = Routing(channel_type="test", platform_id="room")
DESTINATION = Destination(
    name="room", display_name="Room", type=DestinationType.CHANNEL, channel_type="test", platform_id="room"
)


@frozen(kw_only=True)
class Changes:
    """What is new."""

    messages: tuple[MessageIn, ...] = ()
    delivered: tuple[Delivered, ...] = ()
    destinations: tuple[Destination, ...] | None = None
    files: tuple[Attachment, ...] = ()
    withdrawn: tuple[EventId, ...] = ()


@frozen(kw_only=True)
class Whole:
    """What a new link holds."""

    changes: Changes = Changes(destinations=(DESTINATION,))
    meta: Meta = META
    routing: Routing = ROUTING


def inbox(path: Path) -> Inbox:
    """The files beside an inbound.db."""
    return Inbox(path.with_name("inbox"), Spool(path.with_name("spool")))


@contextmanager
def made(path: Path, whole: Whole | None = None) -> Iterator[InboundFile]:
    """A new file, for the length of a block."""
    file = InboundFile.make(path, whole or Whole(), inbox(path))
    try:
        yield file
    finally:
        file.close()


@contextmanager
def runner(path: Path) -> Iterator[Connection]:
    """The connection of a runner, for the length of a block."""
    conn = sqlite.open_read_only(path)
    try:
        yield conn
    finally:
        conn.close()


def shown(path: Path) -> tuple[list[MessageIn], list[Delivered]]:
    """What a runner sees."""
    with runner(path) as conn:
        return (
            select(conn, MessageIn, "SELECT * FROM messages_in ORDER BY seq"),
            select(conn, Delivered, "SELECT * FROM delivered ORDER BY seq"),
        )


def test_a_new_file_holds_all_there_is_and_its_version(tmp_path: Path) -> None:
    path = tmp_path / "inbound.db"
    whole = Whole(changes=Changes(messages=(MESSAGE,), delivered=(REPLY,), destinations=(DESTINATION,)))
    with made(path, whole), runner(path) as conn:
        assert integer(conn, "PRAGMA user_version") == LINK_VERSION
        assert scalar(conn, "PRAGMA journal_mode") == "delete"
        assert select(conn, Meta, "SELECT epoch, seq_floor, provider_state, timezone FROM meta") == [META]
        routing = "SELECT channel_type, platform_id, thread_id FROM session_routing"
        assert select(conn, Routing, routing) == [ROUTING]
        assert select(conn, Destination, "SELECT * FROM destinations") == [DESTINATION]
        assert shown(path) == ([MESSAGE], [REPLY])


def test_a_runner_can_read_while_the_host_holds_the_file_open(tmp_path: Path) -> None:
    path = tmp_path / "inbound.db"
    with made(path) as file:
        assert shown(path) == ([], [])
        file.write(Changes(messages=(MESSAGE,)))
        assert shown(path) == ([MESSAGE], [])


def test_a_change_replaces_what_was_shown_by_that_id(tmp_path: Path) -> None:
    path = tmp_path / "inbound.db"
    settled, later = evolve(MESSAGE, status=InStatus.COMPLETED), evolve(REPLY, seq=5, platform_message_id=None)
    with made(path, Whole(changes=Changes(messages=(MESSAGE,), delivered=(REPLY,)))) as file:
        for _ in range(2):
            file.write(Changes(messages=(settled,), delivered=(later,)))
            assert shown(path) == ([settled], [later])


def test_of_two_rows_with_one_id_the_later_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "inbound.db"
    with made(path) as file:
        file.write(Changes(messages=(MESSAGE, evolve(MESSAGE, tries=3))))
        assert shown(path) == ([evolve(MESSAGE, tries=3)], [])


def test_of_context_that_nobody_takes_up_the_newest_stays_and_all_that_asks(tmp_path: Path) -> None:
    path, most = tmp_path / "inbound.db", MOST_CONTEXT + CONTEXT_STEP
    kept = [evolve(MESSAGE, id=f"c{number}", seq=2 * number, trigger=False) for number in range(2, most + 12)]
    with made(path, Whole(changes=Changes(messages=(MESSAGE, *kept[:-1])))) as file:
        file.write(Changes(messages=(kept[-1],)))
    assert [row.id for row in shown(path)[0]] == ["m1", *(row.id for row in kept[-most:])]


def test_nothing_of_an_earlier_file_is_left(tmp_path: Path) -> None:
    path = tmp_path / "inbound.db"
    with made(path, Whole(changes=Changes(messages=(MESSAGE,)))):
        pass
    for suffix in ("-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).write_bytes(b"left by somebody")
    with made(path, Whole(meta=evolve(META, epoch=4))), runner(path) as conn:
        assert integer(conn, "SELECT epoch FROM meta") == 4
        assert shown(path) == ([], [])
    assert [entry.name for entry in tmp_path.iterdir()] == ["inbound.db"]


def test_a_file_that_was_lost_or_is_garbage_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "inbound.db"
    path.write_bytes(b"not a database" * 1_000)
    with made(path, Whole(changes=Changes(messages=(MESSAGE,)))):
        assert shown(path) == ([MESSAGE], [])


def test_what_does_not_fit_leaves_an_empty_file_and_nothing_open(tmp_path: Path) -> None:
    path = tmp_path / "inbound.db"
    twice = Whole(changes=Changes(messages=(MESSAGE,), destinations=(DESTINATION, DESTINATION)))
    with pytest.raises(ConstraintError) as refused:
        InboundFile.make(path, twice, inbox(path))
    # The error still holds the frames that held the file; open it is not.
    assert refused.value.__traceback__ is not None
    assert path.resolve() not in {entry.resolve() for entry in Path("/proc/self/fd").iterdir()}
    with runner(path) as conn:
        assert fetch(conn, "SELECT name FROM sqlite_schema") == []
    with made(path):
        assert shown(path) == ([], [])


@pytest.mark.parametrize("wrong", [evolve(MESSAGE, id="m2", seq=3), evolve(MESSAGE, id="m2", seq=0)])
def test_changes_are_shown_whole_or_not_at_all(tmp_path: Path, wrong: MessageIn) -> None:
    path = tmp_path / "inbound.db"
    with made(path) as file:
        with pytest.raises(ConstraintError):
            file.write(Changes(messages=(MESSAGE, wrong)))
        assert shown(path) == ([], [])


def test_a_sandbox_that_will_not_let_go_makes_the_write_fail_and_not_wait_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "inbound.db"
    changes = Changes(messages=(MESSAGE,), delivered=(REPLY,))
    with made(path) as file:
        assert integer(file._opened(), "PRAGMA busy_timeout") == BUSY_TIMEOUT_MS
        file._opened().set_busy_timeout(1)  # two real seconds would tell nothing more
        with runner(path) as conn, sqlite.snapshot(conn):
            fetch(conn, "SELECT * FROM messages_in")
            with pytest.raises(BusyError):
                file.write(changes)
        assert shown(path) == ([], [])
        file.write(changes)
        assert shown(path) == ([MESSAGE], [REPLY])


def test_a_write_at_once_waits_for_nobody_and_says_whether_it_could(tmp_path: Path) -> None:
    path = tmp_path / "inbound.db"
    changes = Changes(messages=(MESSAGE,))
    with made(path) as file:
        with runner(path) as conn, sqlite.snapshot(conn):
            fetch(conn, "SELECT * FROM messages_in")
            assert not file.write_at_once(changes)
            assert integer(file._opened(), "PRAGMA busy_timeout") == BUSY_TIMEOUT_MS
        assert shown(path) == ([], [])
        assert file.write_at_once(changes)
        assert shown(path) == ([MESSAGE], [])
        assert integer(file._opened(), "PRAGMA busy_timeout") == BUSY_TIMEOUT_MS


def test_a_write_at_once_hides_no_other_error(tmp_path: Path) -> None:
    with made(tmp_path / "inbound.db") as file, pytest.raises(ConstraintError):
        file.write_at_once(Changes(messages=(evolve(MESSAGE, seq=1),)))


def test_closing_may_be_repeated(tmp_path: Path) -> None:
    file = InboundFile.make(tmp_path / "inbound.db", Whole(), inbox(tmp_path / "inbound.db"))
    file.close()
    file.close()


def test_a_file_that_was_let_go_is_written_to_again(tmp_path: Path) -> None:
    path = tmp_path / "inbound.db"
    with made(path) as file:
        file.close()
        assert str(path) not in {os.path.realpath(held) for held in Path("/proc/self/fd").iterdir()}
        file.write(Changes(messages=(MESSAGE,)))
        file.close()
        assert file.write_at_once(Changes(messages=(evolve(MESSAGE, tries=3),)))
    with runner(path) as conn:
        assert integer(conn, "SELECT tries FROM messages_in") == 3


ROWS = st.builds(
    lambda place, status, tries: evolve(MESSAGE, id=f"m{place}", seq=2 * place, status=status, tries=tries),
    st.integers(1, 5),
    st.sampled_from(InStatus),
    st.integers(0, 9),
)
REPLIES = st.builds(
    lambda place, status: evolve(REPLY, message_out_id=f"r{place}", seq=2 * place + 1, status=status),
    st.integers(0, 5),
    st.sampled_from(DeliveredStatus),
)
CHANGES = st.builds(
    Changes, messages=st.lists(ROWS, max_size=5).map(tuple), delivered=st.lists(REPLIES, max_size=5).map(tuple)
)


@given(CHANGES, st.lists(CHANGES, max_size=5))
def test_a_file_shows_the_last_of_every_row_it_was_given(
    tmp_path_factory: pytest.TempPathFactory, first: Changes, later: list[Changes]
) -> None:
    path = tmp_path_factory.getbasetemp() / "projected.db"
    with made(path, Whole(changes=first)) as file:
        for changes in later:
            file.write(changes)
        every = [first, *later]
        messages = {row.id: row for changes in every for row in changes.messages}
        delivered = {row.message_out_id: row for changes in every for row in changes.delivered}
        assert shown(path) == (
            sorted(messages.values(), key=lambda row: row.seq),
            sorted(delivered.values(), key=lambda row: row.seq),
        )


def test_destinations_are_replaced_whole_and_otherwise_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "inbound.db"
    other = evolve(DESTINATION, name="ops", platform_id="ops")
    with made(path) as file, runner(path) as conn:
        file.write(Changes(messages=(MESSAGE,)))
        assert select(conn, Destination, "SELECT * FROM destinations") == [DESTINATION]
        file.write(Changes(destinations=(other,)))
        assert select(conn, Destination, "SELECT * FROM destinations") == [other]
        file.write(Changes(destinations=()))
        assert select(conn, Destination, "SELECT * FROM destinations") == []

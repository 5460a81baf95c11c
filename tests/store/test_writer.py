"""A batch of calls, one commit: who is answered what, whatever the calls and the disk do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import apsw
import pytest

from nanoclaw.errors import StoreBrokenError, StoreError, StoreFullError
from nanoclaw.store.opening import open_writer
from nanoclaw.store.writer import Done, Failed, Outcome, Writer
from schema.sqlite import (
    Connection,
    ConstraintError,
    CorruptError,
    SqliteError,
    execute,
    fetch,
)
from tests.support.simulated_disk import Fault, SimulatedDisk, Touch
from tests.support.simulated_vfs import SimulatedVfs
from tests.support.store_life import closing

PATH = Path("/disk/w.db")
MIGRATIONS = [
    "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT) STRICT",
    "CREATE TABLE child (t INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED) STRICT",
]


@pytest.fixture
def vfs() -> SimulatedVfs:
    return SimulatedVfs(SimulatedDisk())


@pytest.fixture
def writer(vfs: SimulatedVfs) -> Iterator[Writer]:
    with closing(open_writer(PATH, migrations=MIGRATIONS, vfs=vfs.name, exclusive=True)) as writer:
        # The first commit also begins the log; the tests that count operations want an ordinary one.
        assert writer.run([partial(add, 0)]) == [Done(0)]
        yield writer


def add(number: int, conn: Connection, *, size: int = 1) -> int:
    execute(conn, "INSERT INTO t (id, text) VALUES (?, ?)", (number, "x" * size))
    return number


def ids(writer: Writer) -> list[object]:
    return [row["id"] for row in fetch(writer.conn, "SELECT id FROM t ORDER BY id")]


def errors(outcomes: list[Outcome]) -> list[BaseException | None]:
    return [outcome.error if isinstance(outcome, Failed) else None for outcome in outcomes]


def kinds(outcomes: list[Outcome]) -> list[type]:
    return [type(error) for error in errors(outcomes)]


def test_a_batch_is_one_commit(writer: Writer, vfs: SimulatedVfs) -> None:
    before = len(vfs.disk.steps)
    assert writer.run([partial(add, number) for number in range(1, 20)]) == [Done(number) for number in range(1, 20)]
    assert [step.touch for step in vfs.disk.steps[before:]].count(Touch.SYNC) == 1
    assert (writer.batches, writer.transactions, writer.largest_batch) == (2, 20, 19)


def test_nothing_is_answered_before_the_sync(writer: Writer, vfs: SimulatedVfs) -> None:
    (outcome,) = writer.run([partial(add, 1)])
    assert outcome == Done(1)
    for seed in range(20):
        vfs_then = SimulatedVfs(vfs.disk.after_power_cut(seed))
        with closing(open_writer(PATH, migrations=MIGRATIONS, vfs=vfs_then.name, exclusive=True)) as then:
            assert ids(then) == [0, 1]


def test_a_call_that_raises_is_undone_alone(writer: Writer) -> None:
    outcomes = writer.run([partial(add, 1), partial(add, 1), partial(add, 2), lambda _: 1 / 0])
    assert kinds(outcomes) == [type(None), ConstraintError, type(None), ZeroDivisionError]
    assert ids(writer) == [0, 1, 2]


def test_a_call_whose_statement_rolls_everything_back_fails_all_of_its_batch(writer: Writer) -> None:
    def roll_back(conn: Connection) -> None:
        execute(conn, "INSERT OR ROLLBACK INTO t (id) VALUES (0)")

    outcomes = writer.run([partial(add, 1), roll_back, partial(add, 2)])
    assert kinds(outcomes) == [StoreError, ConstraintError, StoreError]
    assert ids(writer) == [0]
    assert writer.run([partial(add, 3)]) == [Done(3)]


def test_a_call_that_commits_by_itself_is_a_bug_and_nobody_is_told_that_all_is_well(writer: Writer) -> None:
    outcomes = writer.run([partial(add, 1), lambda conn: execute(conn, "COMMIT"), partial(add, 2)])
    assert kinds(outcomes) == [StoreError, RuntimeError, StoreError]
    assert writer.run([partial(add, 3)]) == [Done(3)]


def test_a_deferred_constraint_that_does_not_hold_fails_its_batch_and_breaks_nothing(writer: Writer) -> None:
    outcomes = writer.run([partial(add, 1), lambda conn: execute(conn, "INSERT INTO child (t) VALUES (77)")])
    assert kinds(outcomes) == [StoreError, StoreError]
    assert ids(writer) == [0]
    assert writer.run([partial(add, 3)]) == [Done(3)]


def test_another_program_that_writes_for_long_fails_the_batch_and_breaks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    writer = open_writer(path, migrations=MIGRATIONS)
    writer.conn.set_busy_timeout(0)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    assert kinds(writer.run([partial(add, 1), partial(add, 2)])) == [StoreError, StoreError]
    other.execute("ROLLBACK")
    assert writer.run([partial(add, 3)]) == [Done(3)]
    other.close()
    writer.close()


@pytest.mark.parametrize("touch", [Touch.WRITE, Touch.SYNC])
def test_after_a_failed_commit_nothing_is_acknowledged_or_written_ever_again(
    writer: Writer, vfs: SimulatedVfs, touch: Touch
) -> None:
    vfs.disk.fail_next[touch] = Fault.IO_ERROR
    outcomes = writer.run([partial(add, 1), partial(add, 2)])
    assert kinds(outcomes) == [StoreBrokenError, StoreBrokenError]
    first, second = errors(outcomes)
    assert first is not second, "one error raised in two tasks would mix their tracebacks"
    assert isinstance(writer.broken, StoreBrokenError)
    steps = len(vfs.disk.steps)
    assert kinds(writer.run([partial(add, 3)])) == [StoreBrokenError]
    writer.checkpoint_if_long()
    writer.close()
    assert len(vfs.disk.steps) == steps


def test_a_failed_read_within_a_call_breaks_the_writer(writer: Writer, vfs: SimulatedVfs) -> None:
    execute(writer.conn, "PRAGMA shrink_memory")
    vfs.disk.fail_next[Touch.READ] = Fault.IO_ERROR

    def look(conn: Connection) -> None:
        execute(conn, "PRAGMA integrity_check")

    assert kinds(writer.run([partial(add, 1), look, partial(add, 2)])) == [StoreBrokenError] * 3
    assert writer.broken is not None


def test_a_page_that_makes_no_sense_breaks_the_writer(writer: Writer) -> None:
    def look(_: Connection) -> None:
        raise CorruptError("database disk image is malformed")

    assert kinds(writer.run([partial(add, 1), look])) == [StoreBrokenError] * 2
    assert "malformed" in str(writer.broken)


def test_a_commit_without_space_fails_its_batch_and_the_next_one_works(writer: Writer, vfs: SimulatedVfs) -> None:
    vfs.disk.fail_next[Touch.WRITE] = Fault.NO_SPACE
    outcomes = writer.run([partial(add, 1), partial(add, 2)])
    assert kinds(outcomes) == [StoreFullError, StoreFullError]
    assert ids(writer) == [0]
    assert writer.run([partial(add, 3)]) == [Done(3)]
    assert writer.broken is None


def test_a_call_too_large_for_the_cache_takes_its_batch_along_when_there_is_no_space(
    writer: Writer, vfs: SimulatedVfs
) -> None:
    execute(writer.conn, "PRAGMA cache_size = 1")
    vfs.disk.fail_next[Touch.WRITE] = Fault.NO_SPACE
    outcomes = writer.run([partial(add, 1), partial(add, 2, size=200_000), partial(add, 3)])
    assert kinds(outcomes) == [StoreFullError] * 3
    assert ids(writer) == [0]
    assert writer.run([partial(add, 4)]) == [Done(4)]


def test_a_statement_that_sqlite_could_undo_fails_alone_without_space(writer: Writer) -> None:
    pages = int(str(writer.conn.pragma("page_count")))
    writer.conn.pragma("max_page_count", pages)

    def add_much(conn: Connection) -> None:
        execute(conn, "INSERT INTO t (id, text) VALUES (2, 'x'), (4, ?)", ("x" * 200_000,))

    outcomes = writer.run([partial(add, 1), add_much, partial(add, 3)])
    assert kinds(outcomes) == [type(None), StoreFullError, type(None)]
    assert ids(writer) == [0, 1, 3]


def test_a_rollback_that_fails_breaks_the_writer(writer: Writer) -> None:
    def no_rollback(operation: int, what: str | None, *_: object) -> int:
        is_rollback = operation == apsw.SQLITE_TRANSACTION and what == "ROLLBACK"
        return apsw.SQLITE_DENY if is_rollback else apsw.SQLITE_OK

    writer.conn.authorizer = no_rollback
    outcomes = writer.run([lambda conn: execute(conn, "INSERT INTO child (t) VALUES (77)")])
    assert kinds(outcomes) == [StoreBrokenError]
    writer.conn.authorizer = None


def test_a_long_log_is_moved_into_the_database_and_a_short_one_is_not(writer: Writer, vfs: SimulatedVfs) -> None:
    writer = Writer(writer.conn, checkpoint_pages=10)
    writer.run([partial(add, 1)])
    assert checkpoint_writes(writer, vfs) == 0
    writer.run([partial(add, 2, size=100_000)])
    assert checkpoint_writes(writer, vfs) > 20
    assert checkpoint_writes(writer, vfs) == 0


def test_a_checkpoint_without_space_is_tried_again_after_the_next_commit(writer: Writer, vfs: SimulatedVfs) -> None:
    writer = Writer(writer.conn, checkpoint_pages=10)
    writer.run([partial(add, 1, size=100_000)])
    vfs.disk.fail_next[Touch.WRITE] = Fault.NO_SPACE
    assert checkpoint_writes(writer, vfs) == 1
    assert writer.broken is None
    assert writer.run([partial(add, 2)]) == [Done(2)]
    assert checkpoint_writes(writer, vfs) > 20


def test_a_checkpoint_that_cannot_sync_breaks_the_writer(writer: Writer, vfs: SimulatedVfs) -> None:
    writer = Writer(writer.conn, checkpoint_pages=10)
    assert writer.run([partial(add, 1, size=100_000)]) == [Done(1)]
    vfs.disk.fail_next[Touch.SYNC] = Fault.IO_ERROR
    writer.checkpoint_if_long()
    assert isinstance(writer.broken, StoreBrokenError)
    assert kinds(writer.run([partial(add, 2)])) == [StoreBrokenError]


def test_closing_moves_everything_into_the_one_file(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "w.db", migrations=MIGRATIONS)
    writer.run([partial(add, 1)])
    assert (tmp_path / "w.db-wal").stat().st_size > 0
    writer.close()
    assert [file.name for file in tmp_path.iterdir()] == ["w.db"]


def test_an_error_of_a_batch_says_what_was_in_the_way(writer: Writer) -> None:
    (outcome,) = writer.run([lambda conn: execute(conn, "INSERT INTO child (t) VALUES (77)")])
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__cause__, SqliteError)
    assert "FOREIGN KEY" in str(outcome.error)


def checkpoint_writes(writer: Writer, vfs: SimulatedVfs) -> int:
    """How often a checkpoint, if one is due, writes to the database itself."""
    before = len(vfs.disk.steps)
    writer.checkpoint_if_long()
    return sum(step.touch is Touch.WRITE and step.name == str(PATH) for step in vfs.disk.steps[before:])

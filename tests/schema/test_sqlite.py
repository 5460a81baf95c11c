"""The one door to SQLite: settings, queries, transactions, and what is done about a disk that may lie."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from schema import sqlite
from schema.sqlite import (
    IN_MEMORY,
    BusyError,
    Connection,
    ConstraintError,
    Journal,
    OldSqliteError,
    SqliteError,
    Synchronous,
    checkpoint,
    connect,
    data_version,
    execute,
    fetch,
    fetch_one,
    integer,
    keep_wal_on_close,
    open_read_only,
    open_read_write,
    require_recent_sqlite,
    rewrite_wal,
    scalar,
    serialize,
    set_durability,
    snapshot,
    transaction,
)
from tests.support.simulated_disk import SimulatedDisk
from tests.support.simulated_vfs import SimulatedVfs


@pytest.fixture
def conn() -> Iterator[Connection]:
    conn = open_read_write(IN_MEMORY, Journal.DELETE, Synchronous.OFF)
    execute(conn, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT) STRICT")
    yield conn
    conn.close()


@pytest.mark.parametrize("found", ["3.53.3", "3.9.99", "2.99.99"])
def test_an_old_library_is_refused_with_what_to_do(found: str) -> None:
    with pytest.raises(OldSqliteError, match=rf"SQLite {found} is too old, 3\.53\.4 is needed: run `make setup`"):
        require_recent_sqlite(found)


@pytest.mark.parametrize("found", ["3.53.4", "3.54.0", "3.100.0", "4.0.0", None])
def test_a_recent_library_is_accepted_and_so_is_the_one_that_is_installed(found: str | None) -> None:
    require_recent_sqlite(found)


@pytest.mark.parametrize("journal", Journal)
@pytest.mark.parametrize(("synchronous", "number"), [(Synchronous.FULL, 2), (Synchronous.OFF, 0)])
def test_a_file_is_opened_with_the_settings_asked_for(
    tmp_path: Path, journal: Journal, synchronous: Synchronous, number: int
) -> None:
    conn = open_read_write(tmp_path / "s.db", journal, synchronous)
    assert scalar(conn, "PRAGMA journal_mode") == journal.value
    assert integer(conn, "PRAGMA synchronous") == number
    assert integer(conn, "PRAGMA busy_timeout") == sqlite.BUSY_TIMEOUT_MS
    assert integer(conn, "PRAGMA foreign_keys") == 1
    conn.close()


def test_a_journal_that_a_file_cannot_have_is_said() -> None:
    vfs = SimulatedVfs(SimulatedDisk())
    conn = connect(Path("/disk/s.db"), vfs=vfs.name)
    with pytest.raises(SqliteError, match="the journal is 'delete' and cannot be 'wal'"):
        set_durability(conn, Journal.WAL, Synchronous.FULL)
    conn.close()


def test_looking_before_the_journal_is_set_writes_nothing(tmp_path: Path) -> None:
    conn = connect(tmp_path / "s.db")
    assert integer(conn, "PRAGMA user_version") == 0
    conn.close()
    assert (tmp_path / "s.db").read_bytes() == b""


def test_an_exclusive_connection_keeps_others_out(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    conn = connect(path, exclusive=True)
    set_durability(conn, Journal.WAL, Synchronous.FULL)
    execute(conn, "CREATE TABLE t (id)")
    other = connect(path)
    execute(other, "PRAGMA busy_timeout = 0")
    with pytest.raises(BusyError):
        fetch(other, "SELECT * FROM t")
    other.close()
    conn.close()
    assert [file.name for file in tmp_path.iterdir()] == ["s.db"]


def test_reading_only_makes_no_file_and_changes_none(tmp_path: Path) -> None:
    with pytest.raises(SqliteError):
        open_read_only(tmp_path / "missing.db")
    assert list(tmp_path.iterdir()) == []
    open_read_write(tmp_path / "s.db", Journal.DELETE, Synchronous.OFF).close()
    conn = open_read_only(tmp_path / "s.db")
    with pytest.raises(SqliteError, match="readonly"):
        execute(conn, "CREATE TABLE t (id)")
    conn.close()


@pytest.mark.parametrize("sql", ['SELECT "nonsense"', 'CREATE INDEX i ON t ("nonsense")'])
def test_a_misspelt_column_in_double_quotes_is_an_error_and_no_text(conn: Connection, sql: str) -> None:
    with pytest.raises(SqliteError, match="nonsense"):
        execute(conn, sql)


def add_twice(conn: Connection) -> None:
    with transaction(conn):
        execute(conn, "INSERT INTO t VALUES (2, 'a')")
        execute(conn, "INSERT INTO t VALUES (2, 'b')")


def test_a_statement_is_compiled_once_whatever_it_is_bound_to(conn: Connection) -> None:
    assert conn.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, -1) == 1


def test_a_transaction_is_whole_or_nothing(conn: Connection) -> None:
    with pytest.raises(ConstraintError):
        add_twice(conn)
    assert fetch(conn, "SELECT * FROM t") == []
    with transaction(conn):
        execute(conn, "INSERT INTO t VALUES (1, 'a')")
    assert integer(conn, "SELECT count(*) FROM t") == 1


def test_a_transaction_takes_the_write_lock_at_once(tmp_path: Path) -> None:
    one, other = (open_read_write(tmp_path / "s.db", Journal.WAL, Synchronous.OFF) for _ in range(2))
    execute(other, "PRAGMA busy_timeout = 0")
    with transaction(one), pytest.raises(BusyError), transaction(other):
        raise AssertionError("two writers")
    one.close()
    other.close()


def test_other_threads_run_while_a_commit_waits_for_a_lock(tmp_path: Path) -> None:
    writer, reader = (open_read_write(tmp_path / "s.db", Journal.DELETE, Synchronous.OFF) for _ in range(2))
    execute(writer, "CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (1)")
    execute(reader, "BEGIN; SELECT * FROM t")
    held_up = []

    def write() -> None:
        try:
            with transaction(writer):
                execute(writer, "INSERT INTO t VALUES (2)")
        except BusyError:
            held_up.append("for as long as the lock was held")

    thread = threading.Thread(target=write)
    thread.start()
    # Were it not to run before the writer has given up, the lock would still be held by then.
    thread.join(0.05)
    execute(reader, "COMMIT")
    thread.join()
    assert held_up == []
    assert integer(writer, "SELECT count(*) FROM t") == 2
    writer.close()
    reader.close()


def test_a_nested_transaction_is_undone_alone(conn: Connection) -> None:
    with transaction(conn):
        execute(conn, "INSERT INTO t VALUES (1, 'a')")
        with pytest.raises(ConstraintError):
            add_twice(conn)
    assert fetch(conn, "SELECT id FROM t") == [{"id": 1}]


def test_executing_says_how_many_rows_were_changed(conn: Connection) -> None:
    assert execute(conn, "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL)") == 3
    assert execute(conn, "UPDATE t SET name = :name WHERE id > :id", {"name": "z", "id": 1}) == 2
    assert execute(conn, "DELETE FROM t WHERE id = ?", (77,)) == 0
    assert execute(conn, "INSERT INTO t VALUES (4, 'd') RETURNING id") == 1


def test_rows_come_by_name_and_the_cursor_holds_no_lock(conn: Connection) -> None:
    execute(conn, "INSERT INTO t VALUES (1, 'a'), (2, NULL)")
    assert fetch(conn, "SELECT id, name AS called FROM t ORDER BY id") == [
        {"id": 1, "called": "a"},
        {"id": 2, "called": None},
    ]
    assert fetch(conn, "SELECT * FROM t WHERE id = ?", (9,)) == []
    assert fetch(conn, "INSERT INTO t VALUES (3, 'c') RETURNING id") == [{"id": 3}]
    assert fetch(conn, "DELETE FROM t WHERE id = 3") == []
    execute(conn, "DROP TABLE t")


def test_one_row_one_value_one_number(conn: Connection) -> None:
    execute(conn, "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    assert fetch_one(conn, "SELECT * FROM t ORDER BY id") == {"id": 1, "name": "a"}
    assert fetch_one(conn, "SELECT * FROM t WHERE id = 9") is None
    assert scalar(conn, "SELECT name FROM t WHERE id = ?", (2,)) == "b"
    assert scalar(conn, "SELECT name FROM t WHERE id = ?", (9,)) is None
    assert integer(conn, "SELECT count(*) FROM t") == 2
    with pytest.raises(TypeError, match="not a whole number: 'a' from"):
        integer(conn, "SELECT name FROM t")


def test_the_version_of_the_data_changes_when_somebody_else_commits(tmp_path: Path) -> None:
    one, other = (open_read_write(tmp_path / "s.db", Journal.DELETE, Synchronous.OFF) for _ in range(2))
    execute(one, "CREATE TABLE t (id)")
    before = data_version(one)
    execute(one, "INSERT INTO t VALUES (1)")
    assert data_version(one) == before
    execute(other, "INSERT INTO t VALUES (2)")
    assert data_version(one) != before
    one.close()
    other.close()


def test_a_snapshot_does_not_see_what_is_committed_meanwhile(tmp_path: Path) -> None:
    writer, reader = (open_read_write(tmp_path / "s.db", Journal.WAL, Synchronous.OFF) for _ in range(2))
    execute(writer, "CREATE TABLE t (id)")
    with snapshot(reader):
        assert integer(reader, "SELECT count(*) FROM t") == 0
        execute(writer, "INSERT INTO t VALUES (1)")
        assert integer(reader, "SELECT count(*) FROM t") == 0
    assert integer(reader, "SELECT count(*) FROM t") == 1
    with pytest.raises(KeyError), snapshot(reader):
        raise KeyError
    assert not reader.in_transaction
    reader.close()
    writer.close()


def test_a_snapshot_that_ended_already_is_not_ended_twice(conn: Connection) -> None:
    with snapshot(conn):
        execute(conn, "ROLLBACK")
    assert not conn.in_transaction


def test_a_checkpoint_moves_the_log_into_the_database(tmp_path: Path) -> None:
    conn = open_read_write(tmp_path / "s.db", Journal.WAL, Synchronous.OFF)
    execute(conn, "CREATE TABLE t (text); INSERT INTO t VALUES (zeroblob(100000))")
    before = (tmp_path / "s.db").stat().st_size
    checkpoint(conn)
    assert (tmp_path / "s.db").stat().st_size > before + 100_000
    conn.close()


def test_a_connection_may_be_told_to_write_nothing_when_it_closes(tmp_path: Path) -> None:
    conn = open_read_write(tmp_path / "s.db", Journal.WAL, Synchronous.OFF)
    execute(conn, "CREATE TABLE t (id)")
    before = (tmp_path / "s.db").read_bytes()
    keep_wal_on_close(conn)
    conn.close()
    assert (tmp_path / "s.db").read_bytes() == before
    assert (tmp_path / "s.db-wal").stat().st_size > 0


def test_writing_the_log_again_changes_no_byte_of_it(tmp_path: Path) -> None:
    conn = open_read_write(tmp_path / "s.db", Journal.WAL, Synchronous.OFF)
    execute(conn, "CREATE TABLE t (text); INSERT INTO t VALUES (zeroblob(300000))")
    before = (tmp_path / "s.db-wal").read_bytes()
    execute(conn, "BEGIN IMMEDIATE")
    assert rewrite_wal(conn) == len(before) > 300_000
    execute(conn, "ROLLBACK")
    assert (tmp_path / "s.db-wal").read_bytes() == before
    assert integer(conn, "SELECT length(text) FROM t") == 300_000
    conn.close()


def test_where_there_is_no_log_none_is_written_or_made(tmp_path: Path) -> None:
    conn = open_read_write(tmp_path / "s.db", Journal.DELETE, Synchronous.OFF)
    execute(conn, "CREATE TABLE t (id)")
    assert rewrite_wal(conn) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["s.db"]
    conn.close()
    conn = open_read_write(IN_MEMORY, Journal.DELETE, Synchronous.OFF)
    assert rewrite_wal(conn) == 0
    conn.close()


def test_the_bytes_of_a_database_built_in_memory_are_a_database(tmp_path: Path) -> None:
    built = serialize(lambda conn: execute(conn, "CREATE TABLE t (id); INSERT INTO t VALUES (7)"))
    (tmp_path / "s.db").write_bytes(built)
    conn = open_read_only(tmp_path / "s.db")
    assert integer(conn, "SELECT id FROM t") == 7
    conn.close()


def test_a_build_that_fails_leaves_no_connection_behind() -> None:
    before = len(apsw.connections())
    with pytest.raises(SqliteError):
        serialize(lambda conn: execute(conn, "CREATE nonsense"))
    assert len(apsw.connections()) == before

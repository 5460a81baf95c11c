"""Every setting of a hardened connection is read back, and what it is to keep out is tried."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import pytest

from nanoclaw.link.hardened import LIMITS, PRAGMAS, SETTINGS, open_hardened
from nanoclaw.link.memory_vfs import MemoryVfs
from nanoclaw.link.tables import READABLE
from schema.sqlite import Connection
from tests.link.outbox import outbox, saying


@pytest.fixture
def vfs() -> MemoryVfs:
    vfs = MemoryVfs("hardened")
    vfs.load(outbox(saying(*range(1, 40))), None)
    return vfs


@pytest.fixture
def conn(vfs: MemoryVfs) -> Iterator[Connection]:
    conn = open_hardened(vfs, READABLE)
    yield conn
    conn.close()


def test_every_setting_is_in_force(conn: Connection) -> None:
    assert {setting: conn.config(setting, -1) for setting in SETTINGS} == SETTINGS


def test_every_limit_is_in_force(conn: Connection) -> None:
    assert {limit: conn.limit(limit, -1) for limit in LIMITS} == LIMITS


def test_every_pragma_is_in_force(conn: Connection) -> None:
    conn.authorizer = None
    assert {pragma: conn.pragma(pragma) for pragma in PRAGMAS if pragma != "mmap_size"} == {
        pragma: value for pragma, value in PRAGMAS.items() if pragma != "mmap_size"
    }
    # A disk in memory maps no memory at all; of another the answer would be 0.
    assert conn.pragma("mmap_size") in (None, 0)


def test_nothing_was_read_before_all_that(vfs: MemoryVfs) -> None:
    vfs.load(b"not a database at all", None)
    open_hardened(vfs, READABLE).close()


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH ':memory:' AS other",
        "PRAGMA journal_mode",
        "PRAGMA quick_check(2)",
        "PRAGMA writable_schema = 1",
        "DELETE FROM messages_out",
        "INSERT INTO session_state VALUES ('a', 'b', 'c')",
        "CREATE TABLE another (x)",
        "CREATE TEMP TABLE another (x)",
        "CREATE VIRTUAL TABLE another USING fts5 (x)",
        "SELECT upper(id) FROM messages_out",
        "SELECT load_extension('x')",
        "SELECT updated_at FROM session_state",
        "SELECT * FROM pragma_table_list",
        "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
        "BEGIN",
        "SAVEPOINT here",
        "VACUUM",
        "ANALYZE",
        "REINDEX",
    ],
)
def test_only_the_readers_own_statements_are_authorised(conn: Connection, sql: str) -> None:
    with pytest.raises((apsw.AuthError, apsw.SQLError), match=r"not authorized|prohibited|authorization denied"):
        conn.execute(sql)


def test_the_readers_own_statements_are(conn: Connection) -> None:
    sql = "SELECT rowid, typeof(id), octet_length(content), CAST(content AS BLOB) FROM messages_out WHERE rowid > 38"
    assert len(conn.execute(sql).fetchall()) == 1
    assert conn.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]


def test_a_statement_ends_when_its_time_is_up(vfs: MemoryVfs) -> None:
    vfs.load(outbox(saying(*range(1, 2_000))), None)
    conn = open_hardened(vfs, READABLE, cpu_seconds=0)
    with pytest.raises(apsw.InterruptError):
        conn.execute("PRAGMA quick_check(1)").fetchall()
    conn.close()

"""Bringing a file to the tables of today, or refusing to touch it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nanoclaw.errors import NewerStoreError, StoreError, StoreFullError
from nanoclaw.store.migrate import APPLICATION_ID, check_origin, migrate
from schema import files, sqlite
from schema.sqlite import Connection, ConstraintError, execute, fetch, integer, scalar

FIRST = "CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT; INSERT INTO parent VALUES (1)"
SECOND = "CREATE TABLE child (parent INTEGER REFERENCES parent (id)) STRICT; INSERT INTO child VALUES (1)"
BROKEN = "CREATE TABLE third (id INTEGER) STRICT; INSERT INTO third VALUES ('not a number')"


@pytest.fixture
def conn() -> Iterator[Connection]:
    conn = sqlite.connect(sqlite.IN_MEMORY)
    yield conn
    conn.close()


def version(conn: Connection) -> int:
    return integer(conn, "PRAGMA user_version")


def test_a_new_file_gets_all_migrations_in_order_and_the_mark_of_its_owner(conn: Connection) -> None:
    assert migrate(conn, [FIRST, SECOND]) == range(1, 3)
    assert version(conn) == 2
    assert integer(conn, "PRAGMA application_id") == APPLICATION_ID
    assert fetch(conn, "SELECT * FROM child") == [{"parent": 1}]


def test_the_migrations_of_the_schema_package_work_on_a_new_file(conn: Connection) -> None:
    assert len(migrate(conn)) == len(files.central_ddl()) > 0
    assert migrate(conn) == range(version(conn) + 1, version(conn) + 1)


def test_an_old_file_gets_only_what_it_lacks(conn: Connection) -> None:
    migrate(conn, [FIRST])
    assert migrate(conn, [FIRST, SECOND]) == range(2, 3)
    assert len(migrate(conn, [FIRST, SECOND])) == 0


def test_a_migration_that_fails_leaves_the_file_at_the_one_before(conn: Connection) -> None:
    with pytest.raises(StoreError, match=r"migration 2 .* cannot store TEXT"):
        migrate(conn, [FIRST, BROKEN, SECOND])
    assert version(conn) == 1
    assert integer(conn, "SELECT count(*) FROM sqlite_schema WHERE name = 'third'") == 0
    assert migrate(conn, [FIRST, SECOND]) == range(2, 3)


def test_a_file_of_a_newer_program_is_refused_and_not_written(conn: Connection) -> None:
    migrate(conn, [FIRST, SECOND])
    before = conn.serialize("main")
    with pytest.raises(NewerStoreError) as caught:
        migrate(conn, [FIRST])
    assert (caught.value.found, caught.value.known) == (2, 1)
    assert "version 2" in str(caught.value)
    assert conn.serialize("main") == before


@pytest.mark.parametrize(
    "foreign",
    [
        "CREATE TABLE theirs (id)",
        "PRAGMA application_id = 77",
        "PRAGMA user_version = 1",
        f"PRAGMA application_id = {APPLICATION_ID}",
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = -1",
    ],
)
def test_a_file_of_another_program_is_refused_and_not_written(conn: Connection, foreign: str) -> None:
    execute(conn, foreign)
    before = conn.serialize("main")
    with pytest.raises(StoreError, match="some other program's database"):
        migrate(conn, [FIRST])
    assert conn.serialize("main") == before


def test_a_migration_may_replace_a_table_that_others_refer_to(conn: Connection) -> None:
    replace = (
        "CREATE TABLE renewed (id INTEGER PRIMARY KEY, name TEXT) STRICT;"
        " INSERT INTO renewed (id) SELECT id FROM parent; DROP TABLE parent; ALTER TABLE renewed RENAME TO parent"
    )
    migrate(conn, [FIRST, SECOND, replace])
    assert fetch(conn, "SELECT * FROM parent") == [{"id": 1, "name": None}]
    with pytest.raises(ConstraintError):
        execute(conn, "INSERT INTO child VALUES (77)")


def test_a_migration_that_leaves_a_reference_to_nothing_is_undone(conn: Connection) -> None:
    with pytest.raises(StoreError, match="migration 3 leaves rows that refer to nothing"):
        migrate(conn, [FIRST, SECOND, "DELETE FROM parent"])
    assert version(conn) == 2
    assert integer(conn, "SELECT count(*) FROM parent") == 1
    assert integer(conn, "PRAGMA foreign_keys") == 1


def test_no_space_is_told_apart_from_a_wrong_migration(conn: Connection) -> None:
    migrate(conn, [FIRST])
    conn.pragma("max_page_count", scalar(conn, "PRAGMA page_count"))
    with pytest.raises(StoreFullError, match="migration 2"):
        migrate(conn, [FIRST, SECOND])
    assert version(conn) == 1


def test_looking_at_a_new_file_writes_nothing(tmp_path: Path) -> None:
    conn = sqlite.connect(tmp_path / "new.db")
    assert check_origin(conn, known=1) == 0
    conn.close()
    assert (tmp_path / "new.db").stat().st_size == 0

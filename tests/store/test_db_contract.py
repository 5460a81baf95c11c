"""What actors may rely on, kept by the database on its thread and by its stand-in without one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import trio
import trio.testing

from nanoclaw.store.db import Store, open_database
from schema.sqlite import Connection, ConstraintError, SqliteError, execute, fetch, integer, transaction
from tests.support.inline_database import InlineDatabase

MIGRATIONS = ["CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT"]


@pytest.fixture(params=["real", "inline", "inline-file"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store]:
    if request.param == "real":
        async with open_database(tmp_path / "c.db", migrations=MIGRATIONS) as db:
            yield db
    else:
        inline = (
            InlineDatabase(tmp_path / "c.db", migrations=MIGRATIONS)
            if request.param == "inline-file"
            else InlineDatabase(migrations=MIGRATIONS)
        )
        yield inline
        inline.close()


def add(conn: Connection, name: str, *, fail: BaseException | None = None) -> int:
    execute(conn, "INSERT INTO t (name) VALUES (?)", (name,))
    if fail is not None:
        raise fail
    return conn.last_insert_rowid()


def names(conn: Connection) -> list[object]:
    return [row["name"] for row in fetch(conn, "SELECT name FROM t ORDER BY id")]


async def test_a_transaction_returns_what_its_query_returned(store: Store) -> None:
    assert await store.transact(add, "a") == 1
    assert await store.transact(add, "b", fail=None) == 2


async def test_a_read_sees_every_transaction_that_was_answered_before(store: Store) -> None:
    for number in range(20):
        await store.transact(add, str(number))
        assert len(await store.read(names)) == number + 1


async def test_a_query_that_raises_leaves_nothing_and_its_caller_gets_the_very_error(store: Store) -> None:
    error = KeyError("mine")
    with pytest.raises(KeyError) as caught:
        await store.transact(add, "a", fail=error)
    assert caught.value is error
    assert await store.read(names) == []


async def test_a_refused_statement_reaches_the_caller_as_sqlite_said_it(store: Store) -> None:
    with pytest.raises(ConstraintError):
        await store.transact(execute, "INSERT INTO t (name) VALUES (NULL)")
    assert await store.transact(add, "after") == 1


async def test_even_the_end_of_the_interpreter_fails_only_its_own_caller(store: Store) -> None:
    with pytest.raises(SystemExit):
        await store.transact(add, "a", fail=SystemExit(3))
    assert await store.transact(add, "b") == 1


async def test_transactions_within_a_query_are_savepoints_of_it(store: Store) -> None:
    def query(conn: Connection) -> None:
        add(conn, "kept")
        with pytest.raises(KeyError), transaction(conn):
            add(conn, "undone", fail=KeyError())
        with transaction(conn):
            add(conn, "kept too")

    await store.transact(query)
    assert await store.read(names) == ["kept", "kept too"]


async def test_a_savepoint_that_a_query_forgot_does_not_reach_the_next(store: Store) -> None:
    await store.transact(execute, "SAVEPOINT forgotten; INSERT INTO t (name) VALUES ('a')")
    with pytest.raises(SqliteError, match="no such savepoint"):
        await store.transact(execute, "ROLLBACK TO forgotten")
    assert await store.read(names) == ["a"]


async def test_transactions_happen_in_the_order_of_asking_and_failures_stay_alone(store: Store) -> None:
    async def ask(number: int) -> None:
        if number % 3:
            await store.transact(add, str(number))
        else:
            with pytest.raises(KeyError):
                await store.transact(add, str(number), fail=KeyError())

    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(ask, number)
            await trio.testing.wait_all_tasks_blocked()
    assert await store.read(names) == [str(number) for number in range(40) if number % 3]


async def test_a_read_cannot_write_and_harms_nothing_by_trying(store: Store) -> None:
    with pytest.raises(SqliteError, match="readonly"):
        await store.read(add, "a")
    await store.transact(add, "b")
    assert await store.read(names) == ["b"]


async def test_a_read_that_raises_frees_its_place(store: Store) -> None:
    def fails(conn: Connection) -> None:
        names(conn)
        raise KeyError

    for _ in range(5):
        with pytest.raises(KeyError):
            await store.read(fails)
    assert await store.read(names) == []


async def test_a_reader_that_ends_its_own_transaction_harms_nobody(store: Store) -> None:
    for _ in range(3):
        await store.read(execute, "ROLLBACK")
    assert await store.read(names) == []


async def test_a_caller_that_is_cancelled_before_asking_asks_nothing(store: Store) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await store.transact(add, "a")
    assert scope.cancelled_caught
    with trio.CancelScope() as scope:
        scope.cancel()
        await store.read(names)
    assert scope.cancelled_caught
    assert await store.read(names) == []


async def test_asking_is_a_checkpoint(store: Store) -> None:
    with trio.testing.assert_checkpoints():
        await store.transact(add, "a")
    with trio.testing.assert_checkpoints():
        await store.read(names)


async def test_references_are_kept(store: Store) -> None:
    await store.transact(execute, "CREATE TABLE child (t INTEGER NOT NULL REFERENCES t (id)) STRICT")
    with pytest.raises(ConstraintError):
        await store.transact(execute, "INSERT INTO child (t) VALUES (77)")
    assert await store.read(integer, "SELECT count(*) FROM child") == 0

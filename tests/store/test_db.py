"""The database on its thread: what waits shares a commit, and what ends, ends cleanly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from nanoclaw.errors import StoreBrokenError, StoreError
from nanoclaw.store import db as db_module
from nanoclaw.store.db import MOST_IN_BATCH, StoreStatistics, open_database
from schema.sqlite import Connection, SqliteError, execute, fetch
from tests.support.failing_vfs import FailingVfs

MIGRATIONS = ["CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT) STRICT"]
ENDLESS = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT sum(note(x)) FROM c"


class Gate:
    """Holds the writer's thread inside a transaction until it is opened."""

    def __init__(self) -> None:
        self._entered = threading.Event()
        self._open = threading.Event()

    def query(self, _: Connection) -> None:
        self._entered.set()
        assert self._open.wait(30)

    async def wait_entered(self) -> None:
        assert await trio.to_thread.run_sync(self._entered.wait, 30)

    def open(self) -> None:
        self._open.set()


def add(conn: Connection, number: int) -> None:
    execute(conn, "INSERT INTO t (id) VALUES (?)", (number,))


def ids(conn: Connection) -> list[object]:
    return [row["id"] for row in fetch(conn, "SELECT id FROM t ORDER BY rowid")]


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def writer_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "store-writer"]


@contextmanager
def no_thread_left() -> Iterator[None]:
    before = writer_threads()
    yield
    assert writer_threads() == before


async def test_what_waits_while_the_thread_is_busy_shares_one_commit(tmp_path: Path) -> None:
    async with open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db:
        gate = Gate()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(db.transact, gate.query)
            await gate.wait_entered()
            for number in range(20):
                nursery.start_soon(db.transact, add, number)
                await trio.testing.wait_all_tasks_blocked()
            assert db.statistics() == StoreStatistics(batches=1, transactions=1, largest_batch=1, waiting=20)
            gate.open()
        assert db.statistics() == StoreStatistics(batches=2, transactions=21, largest_batch=20, waiting=0)
        assert await db.read(ids) == list(range(20))


async def test_a_batch_is_bounded(tmp_path: Path) -> None:
    async with open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db:
        gate = Gate()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(db.transact, gate.query)
            await gate.wait_entered()
            for number in range(MOST_IN_BATCH + 10):
                nursery.start_soon(db.transact, add, number)
            await trio.testing.wait_all_tasks_blocked()
            gate.open()
        assert db.statistics().batches == 3
        assert db.statistics().largest_batch == MOST_IN_BATCH
        assert len(await db.read(ids)) == MOST_IN_BATCH + 10


async def test_a_caller_cancelled_while_waiting_is_forgotten(tmp_path: Path) -> None:
    async with open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db:
        gate = Gate()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(db.transact, gate.query)
            await gate.wait_entered()
            async with trio.open_nursery() as impatient:
                impatient.start_soon(db.transact, add, 1)
                await trio.testing.wait_all_tasks_blocked()
                impatient.cancel_scope.cancel()
            nursery.start_soon(db.transact, add, 2)
            await trio.testing.wait_all_tasks_blocked()
            gate.open()
        assert await db.read(ids) == [2]


async def test_a_caller_cancelled_too_late_has_its_transaction_whole(tmp_path: Path) -> None:
    async with open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db:
        gate = Gate()

        def query(conn: Connection) -> None:
            add(conn, 1)
            gate.query(conn)
            add(conn, 2)

        async with trio.open_nursery() as impatient:
            impatient.start_soon(db.transact, query)
            await gate.wait_entered()
            impatient.cancel_scope.cancel()
        gate.open()
        await db.transact(add, 3)
        assert await db.read(ids) == [1, 2, 3]


async def test_a_disk_that_does_not_sync_ends_the_service_and_fails_everybody(tmp_path: Path) -> None:
    vfs = FailingVfs()
    async with open_database(tmp_path / "d.db", migrations=MIGRATIONS, vfs=vfs.name) as db:
        refused = []

        async def ask(number: int) -> None:
            with pytest.raises(StoreBrokenError) as caught:
                await db.transact(add, number)
            refused.append(caught.value)

        with pytest.RaisesGroup(StoreBrokenError):
            async with trio.open_nursery() as nursery:
                await nursery.start(db.serve)
                await db.transact(add, 0)
                assert not db.broken.is_set()
                vfs.failing = {"-wal"}
                async with trio.open_nursery() as asking:
                    for number in range(1, 10):
                        asking.start_soon(ask, number)
        assert db.broken.is_set()
        assert len(refused) == 9
        vfs.failing.clear()
        await ask(10)
        assert await db.read(ids) == [0]
    async with open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db:
        assert 10 not in await db.read(ids)


async def test_a_checkpoint_that_does_not_sync_comes_after_the_answer_and_ends_the_service(tmp_path: Path) -> None:
    vfs = FailingVfs()
    async with open_database(tmp_path / "d.db", migrations=MIGRATIONS, vfs=vfs.name) as db:
        vfs.failing = {"d.db"}
        await db.transact(execute, "INSERT INTO t (text) VALUES (?)", ("x" * 5_000_000,))
        await db.broken.wait()
        with pytest.raises(StoreBrokenError):
            await db.transact(add, 2)
        vfs.failing.clear()
    async with open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db:
        assert await db.read(ids) == [1]


async def test_serving_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    async with open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db, trio.open_nursery() as nursery:
        await nursery.start(db.serve)
        nursery.cancel_scope.cancel()


async def test_closing_finishes_what_was_asked_and_leaves_one_file_and_no_thread(tmp_path: Path) -> None:
    with no_thread_left():
        gate = Gate()
        async with trio.open_nursery() as nursery, open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db:
            nursery.start_soon(db.transact, gate.query)
            await gate.wait_entered()
            for number in range(5):
                nursery.start_soon(db.transact, add, number)
            await trio.testing.wait_all_tasks_blocked()
            gate.open()
    assert names_in(tmp_path) == ["d.db"]
    async with open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db:
        assert await db.read(ids) == list(range(5))


async def test_a_closed_database_says_so(tmp_path: Path) -> None:
    async with open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db:
        pass
    with pytest.raises(trio.ClosedResourceError):
        await db.transact(add, 1)
    with pytest.raises(trio.ClosedResourceError):
        await db.read(ids)


async def test_closing_while_cancelled_leaves_no_thread(tmp_path: Path) -> None:
    with no_thread_left():
        with trio.CancelScope() as scope:
            async with open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db:
                await db.transact(add, 1)
                scope.cancel()
                await trio.lowlevel.checkpoint()
        assert scope.cancelled_caught
    assert names_in(tmp_path) == ["d.db"]


async def test_a_file_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    with no_thread_left(), pytest.raises(StoreError):
        async with open_database(tmp_path / "missing" / "d.db"):
            raise AssertionError("opened")


async def test_readers_that_cannot_be_opened_leave_no_thread_and_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise SqliteError("too many open files")

    monkeypatch.setattr(db_module, "Readers", fails)
    with no_thread_left(), pytest.raises(SqliteError):
        async with open_database(tmp_path / "d.db", migrations=MIGRATIONS):
            raise AssertionError("opened")
    assert names_in(tmp_path) == ["d.db"]


async def test_closing_interrupts_a_statement_without_end_and_spares_what_was_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db_module, "CLOSE_SECONDS", 0)
    started = threading.Event()

    def endless(conn: Connection) -> None:
        add(conn, 2)
        conn.create_scalar_function("note", lambda *_: started.set())
        fetch(conn, ENDLESS)

    with (
        no_thread_left(),
        pytest.RaisesGroup(pytest.RaisesExc(SqliteError, match="interrupted"), flatten_subgroups=True),
    ):
        async with trio.open_nursery() as nursery, open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db:
            await db.transact(add, 1)
            nursery.start_soon(db.transact, endless)
            await trio.to_thread.run_sync(started.wait)
    async with open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db:
        assert await db.read(ids) == [1]


def test_a_query_that_never_returns_is_reported_and_its_end_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db_module, "CLOSE_SECONDS", 0)
    monkeypatch.setattr(db_module, "INTERRUPTS", 2)
    monkeypatch.setattr(db_module, "INTERRUPT_SECONDS", 0)
    gate = Gate()

    async def main() -> None:
        async with trio.open_nursery() as nursery, open_database(tmp_path / "d.db", migrations=MIGRATIONS) as db:
            nursery.start_soon(db.transact, gate.query)
            await gate.wait_entered()

    with pytest.RaisesGroup(StoreError, flatten_subgroups=True):
        trio.run(main)
    (thread,) = writer_threads()
    gate.open()
    thread.join(30)
    assert not thread.is_alive()

"""Reading beside the writer."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import trio
import trio.testing

from nanoclaw.store.readers import Readers
from schema.sqlite import Connection, Journal, SqliteError, Synchronous, execute, integer, open_read_write

COUNT = "SELECT count(*) FROM t"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "r.db"
    conn = open_read_write(path, Journal.WAL, Synchronous.OFF)
    execute(conn, "CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT")
    conn.close()
    return path


async def test_all_that_one_read_sees_is_of_one_moment(path: Path) -> None:
    writer = open_read_write(path, Journal.WAL, Synchronous.OFF)
    readers = Readers(path, count=1)

    def look_twice(conn: Connection) -> tuple[int, int]:
        first = integer(conn, COUNT)
        # The writer is not in use elsewhere: this is the one thread that knows when to write.
        execute(writer, "INSERT INTO t VALUES (1)")
        return first, integer(conn, COUNT)

    assert await readers.run(look_twice) == (0, 0)
    assert await readers.run(lambda conn: integer(conn, COUNT)) == 1
    readers.close()
    writer.close()


async def test_there_are_as_many_reads_at_a_time_as_connections(path: Path) -> None:
    readers = Readers(path, count=2)
    together = threading.Barrier(3, timeout=30)
    third = trio.Event()

    def meet(conn: Connection) -> None:
        integer(conn, COUNT)
        together.wait()

    async def read_third() -> None:
        await readers.run(lambda conn: integer(conn, COUNT))
        third.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(readers.run, meet)
        nursery.start_soon(readers.run, meet)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(read_third)
        await trio.testing.wait_all_tasks_blocked()
        assert not third.is_set()
        await trio.to_thread.run_sync(together.wait)
    assert third.is_set()
    readers.close()


async def test_a_cancelled_read_that_waits_for_its_turn_does_not_happen(path: Path) -> None:
    readers = Readers(path, count=1)
    together = threading.Barrier(2, timeout=30)
    scope = trio.CancelScope()

    async def read_second() -> None:
        with scope:
            await readers.run(lambda _: pytest.fail("this read was cancelled before its turn"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(readers.run, lambda _: together.wait())
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(read_second)
        await trio.testing.wait_all_tasks_blocked()
        scope.cancel()
        await trio.to_thread.run_sync(together.wait)
    assert scope.cancelled_caught
    readers.close()


async def test_closing_spares_the_read_that_runs_and_closes_its_connection_after(path: Path) -> None:
    readers = Readers(path, count=2)
    together = threading.Barrier(2, timeout=30)
    used: list[Connection] = []

    def read(conn: Connection) -> int:
        used.append(conn)
        together.wait()
        together.wait()
        return integer(conn, COUNT)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(readers.run, read)
        await trio.to_thread.run_sync(together.wait)
        readers.close()
        await trio.to_thread.run_sync(together.wait)
    with pytest.raises(SqliteError, match="closed"):
        integer(used[0], COUNT)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SqliteError):
        Readers(tmp_path / "missing.db", count=1)
    assert list(tmp_path.iterdir()) == []

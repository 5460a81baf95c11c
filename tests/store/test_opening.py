"""Opening nanoclaw.db: what is refused, what is left alone, what is made safe."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoclaw.errors import NewerStoreError, StoreBrokenError, StoreError, StoreFullError
from nanoclaw.store.opening import open_writer
from nanoclaw.store.writer import Done
from schema import sqlite
from schema.sqlite import OldSqliteError, execute, scalar
from tests.support.simulated_disk import Fault, SimulatedDisk, Touch
from tests.support.simulated_vfs import SimulatedVfs
from tests.support.store_life import closing

MIGRATIONS = ["CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT"]
SIMULATED = Path("/disk/o.db")


def test_the_file_is_written_ahead_and_synced_and_keeps_its_temporary_data_in_memory(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "n.db")
    assert scalar(writer.conn, "PRAGMA journal_mode") == "wal"
    assert scalar(writer.conn, "PRAGMA synchronous") == 2
    assert scalar(writer.conn, "PRAGMA temp_store") == 2
    assert scalar(writer.conn, "PRAGMA foreign_keys") == 1
    writer.close()


@pytest.mark.parametrize("journal", ["wal", "delete"])
@pytest.mark.parametrize("origin", ["PRAGMA application_id = 77", "newer"])
def test_a_file_that_is_not_ours_is_left_byte_for_byte(tmp_path: Path, journal: str, origin: str) -> None:
    path = tmp_path / "n.db"
    if origin == "newer":
        open_writer(path, migrations=[*MIGRATIONS, "CREATE TABLE u (id)"]).close()
    conn = sqlite.connect(path)
    conn.pragma("journal_mode", journal)
    execute(conn, "CREATE TABLE theirs (id)" if origin == "newer" else origin)
    conn.close()
    before = path.read_bytes()
    with pytest.raises(NewerStoreError if origin == "newer" else StoreError):
        open_writer(path, migrations=MIGRATIONS)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    path.write_bytes(b"not a database, but long enough to look at it" * 100)
    with pytest.raises(StoreError, match=r"n\.db cannot be opened: file is not a database"):
        open_writer(path)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open database file"):
        open_writer(tmp_path / "missing" / "n.db")


def test_an_old_library_is_refused_before_the_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "OLDEST", (99, 0, 0))
    with pytest.raises(OldSqliteError):
        open_writer(tmp_path / "n.db")
    assert list(tmp_path.iterdir()) == []


def test_no_space_to_open_is_told_apart_from_a_broken_disk() -> None:
    vfs = SimulatedVfs(SimulatedDisk(fail_next={Touch.WRITE: Fault.NO_SPACE}))
    with pytest.raises(StoreFullError):
        open_writer(SIMULATED, migrations=MIGRATIONS, vfs=vfs.name, exclusive=True)
    with closing(open_writer(SIMULATED, migrations=MIGRATIONS, vfs=vfs.name, exclusive=True)) as writer:
        assert writer.run([lambda conn: execute(conn, "INSERT INTO t VALUES (1)")]) == [Done(1)]


def test_a_disk_that_fails_while_opening_is_not_written_by_closing() -> None:
    vfs = SimulatedVfs(SimulatedDisk())
    open_writer(SIMULATED, migrations=MIGRATIONS, vfs=vfs.name, exclusive=True).close()
    vfs.disk.fail_next[Touch.SYNC] = Fault.IO_ERROR
    steps = len(vfs.disk.steps)
    with pytest.raises(StoreError):
        open_writer(SIMULATED, migrations=[*MIGRATIONS, "CREATE TABLE u (id)"], vfs=vfs.name, exclusive=True)
    touched = [step.touch for step in vfs.disk.steps[steps:]]
    assert touched[-1] is Touch.SYNC


def test_a_log_left_behind_by_a_failed_sync_is_on_the_disk_before_anything_is_added() -> None:
    vfs = SimulatedVfs(SimulatedDisk())
    with closing(open_writer(SIMULATED, migrations=MIGRATIONS, vfs=vfs.name, exclusive=True)) as writer:
        writer.run([lambda conn: execute(conn, "INSERT INTO t VALUES (1)")])
        vfs.disk.fail_next[Touch.SYNC] = Fault.IO_ERROR
        writer.run([lambda conn: execute(conn, "INSERT INTO t VALUES (2)")])
        assert isinstance(writer.broken, StoreBrokenError)
    vfs.boot(vfs.disk.after_process_death())
    with closing(open_writer(SIMULATED, migrations=MIGRATIONS, vfs=vfs.name, exclusive=True)) as writer:
        shown = scalar(writer.conn, "SELECT count(*) FROM t")
        disk = vfs.disk.after_power_cut(seed=0)
    vfs.boot(disk)
    with closing(open_writer(SIMULATED, migrations=MIGRATIONS, vfs=vfs.name, exclusive=True)) as writer:
        assert scalar(writer.conn, "SELECT count(*) FROM t") == shown == 2

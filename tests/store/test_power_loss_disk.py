"""The simulated disk is as forgetful as a real one may be, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from schema.sqlite import BusyError, Journal, Synchronous, execute, fetch, open_read_write
from tests.support.simulated_disk import SECTOR, DiskFaultError, Fault, Inode, SimulatedDisk, Touch
from tests.support.simulated_vfs import SimulatedVfs

SEEDS = range(60)


def file_on(disk: SimulatedDisk, name: str = "f") -> Inode:
    inode = disk.open(name, create=True)
    assert inode is not None
    return inode


def contents_after_power_cut(disk: SimulatedDisk, name: str = "f") -> set[bytes | None]:
    """What the file may hold afterwards; None where it is not there."""
    found: set[bytes | None] = set()
    for seed in SEEDS:
        inode = disk.after_power_cut(seed).open(name, create=False)
        found.add(None if inode is None else bytes(inode.content))
    return found


def synced(content: bytes) -> tuple[SimulatedDisk, Inode]:
    disk = SimulatedDisk()
    inode = file_on(disk)
    disk.write("f", inode, content, 0)
    disk.sync("f", inode)
    disk.sync_folder("f")
    return disk, inode


def test_what_was_synced_is_there_after_every_power_cut() -> None:
    disk, _ = synced(b"a" * 1000)
    assert contents_after_power_cut(disk) == {b"a" * 1000}


def test_sectors_that_were_not_synced_survive_in_any_combination() -> None:
    disk, inode = synced(b"a" * 2 * SECTOR)
    disk.write("f", inode, b"b" * 2 * SECTOR, 0)
    found = contents_after_power_cut(disk)
    for combination in (b"aa", b"ab", b"ba", b"bb"):
        assert b"".join(bytes([letter]) * SECTOR for letter in combination) in found


def test_a_sector_that_is_being_written_may_tear_but_keeps_its_other_bytes() -> None:
    disk, inode = synced(b"a" * SECTOR)
    disk.write("f", inode, b"b" * 100, 0)
    found = contents_after_power_cut(disk)
    assert any(content is not None and 0 < content.count(b"b") < 100 for content in found)
    assert all(content is not None and content[100:] == b"a" * (SECTOR - 100) for content in found)


def test_a_new_length_may_be_lost_and_a_hole_reads_as_zeros() -> None:
    disk, inode = synced(b"a")
    disk.write("f", inode, b"z", 3 * SECTOR)
    found = contents_after_power_cut(disk)
    assert b"a" in found
    assert b"a" + bytes(3 * SECTOR) in found
    assert b"a" + bytes(3 * SECTOR - 1) + b"z" in found


def test_what_was_cut_off_may_come_back_until_the_next_sync() -> None:
    disk, inode = synced(b"a" * 2 * SECTOR)
    disk.truncate("f", inode, 10)
    assert contents_after_power_cut(disk) >= {b"a" * 10, b"a" * 2 * SECTOR}
    disk.sync("f", inode)
    assert contents_after_power_cut(disk) == {b"a" * 10}


def test_a_new_name_may_vanish_and_an_old_one_come_back_until_the_folder_is_synced() -> None:
    disk, _ = synced(b"a")
    assert disk.delete("f", durably=False)
    new = file_on(disk, "g")
    disk.sync("g", new)
    assert contents_after_power_cut(disk) == {None, b"a"}
    assert contents_after_power_cut(disk, "g") == {None, b""}
    disk.sync_folder("g")
    assert contents_after_power_cut(disk) == {None}
    assert contents_after_power_cut(disk, "g") == {b""}


def test_a_durable_removal_stays_and_a_second_one_finds_nothing() -> None:
    disk, _ = synced(b"a")
    assert disk.delete("f", durably=True)
    assert contents_after_power_cut(disk) == {None}
    assert not disk.delete("f", durably=True)
    assert not disk.exists("f")


def test_after_a_failed_sync_the_new_bytes_are_shown_and_no_later_sync_writes_them() -> None:
    disk, inode = synced(b"a" * SECTOR)
    disk.write("f", inode, b"b" * SECTOR, 0)
    disk.fail_next[Touch.SYNC] = Fault.IO_ERROR
    with pytest.raises(DiskFaultError, match="EIO at sync"):
        disk.sync("f", inode)
    disk.sync("f", inode)
    assert disk.read("f", inode, SECTOR, 0) == b"b" * SECTOR
    assert contents_after_power_cut(disk.after_process_death()) == {b"a" * SECTOR}
    disk.write("f", inode, b"b" * SECTOR, 0)
    disk.sync("f", inode)
    assert contents_after_power_cut(disk) == {b"b" * SECTOR}


def test_a_full_disk_takes_what_does_not_grow() -> None:
    disk, inode = synced(b"a")
    disk.full_from = 0
    disk.write("f", inode, b"b", 0)
    with pytest.raises(DiskFaultError, match="ENOSPC"):
        disk.write("f", inode, b"bb", 0)
    with pytest.raises(DiskFaultError, match="ENOSPC"):
        disk.open("g", create=True)
    disk.full_from = None
    disk.write("f", inode, b"bb", 0)
    assert disk.size("f", inode) == 2


def test_a_fault_at_a_number_happens_there_and_changes_nothing() -> None:
    disk, inode = synced(b"a")
    disk.faults = {len(disk.steps) + 2: Fault.IO_ERROR}
    disk.write("f", inode, b"b", 0)
    with pytest.raises(DiskFaultError):
        disk.write("f", inode, b"c", 0)
    assert disk.read("f", inode, 1, 0) == b"b"


def test_connections_on_it_lock_each_other_out_as_on_unix() -> None:
    vfs = SimulatedVfs(SimulatedDisk())
    one, other, third = (open_read_write(Path("/l.db"), Journal.DELETE, Synchronous.FULL, vfs=vfs.name) for _ in "123")
    for conn in (one, other, third):
        conn.set_busy_timeout(0)
    execute(one, "CREATE TABLE t (id); INSERT INTO t VALUES (1), (2)")
    assert len(fetch(third, "SELECT id FROM t")) == 2
    execute(one, "BEGIN IMMEDIATE; INSERT INTO t VALUES (3)")
    with pytest.raises(BusyError):
        execute(other, "BEGIN IMMEDIATE")
    reading = other.execute("SELECT id FROM t")
    assert next(reading) == (1,)
    with pytest.raises(BusyError):
        execute(one, "COMMIT")
    with pytest.raises(BusyError):
        fetch(third, "SELECT id FROM t")
    assert list(reading) == [(2,)]
    execute(one, "COMMIT")
    assert len(fetch(third, "SELECT id FROM t")) == 3
    for conn in (one, other, third):
        conn.close()

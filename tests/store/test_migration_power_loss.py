"""A database of yesterday that loses its power on the way to the tables of today: nothing of it is half done."""

from __future__ import annotations

import itertools

import pytest

from nanoclaw.store.opening import open_writer
from schema import files
from schema.sqlite import execute, fetch, integer
from tests.support.sampling import offset, stride
from tests.support.simulated_disk import SimulatedDisk
from tests.support.simulated_vfs import SimulatedVfs
from tests.support.store_life import closing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PATH = "nanoclaw.db"
TODAY = files.central_ddl()
YESTERDAY = TODAY[:1]
AGENTS = 40
EVERY = 12


def migrated(vfs: SimulatedVfs) -> tuple[int, int]:
    """Start today's program; returns how many tables' worth it had, and has."""
    with closing(open_writer(PATH, migrations=TODAY, vfs=vfs.name, exclusive=True)) as writer:
        assert fetch(writer.conn, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]
        assert fetch(writer.conn, "PRAGMA foreign_key_check") == []
        agents = integer(writer.conn, "SELECT count(*) FROM agent_groups")
        return integer(writer.conn, "PRAGMA user_version"), agents


def test_no_power_cut_leaves_a_migration_half_done() -> None:
    vfs, after = SimulatedVfs(SimulatedDisk()), SimulatedVfs(SimulatedDisk())
    with closing(open_writer(PATH, migrations=YESTERDAY, vfs=vfs.name, exclusive=True)) as writer:
        for number in range(AGENTS):
            execute(
                writer.conn,
                "INSERT INTO agent_groups (id, name, folder, created_at) VALUES (?, ?, ?, ?)",
                (f"agt-{number}", "x" * 300, f"folder-{number}", "2026-04-16T14:37:00.000Z"),
            )
    moments = itertools.count()
    cuts = 0

    def cut() -> None:
        nonlocal cuts
        moment = next(moments)
        if (moment + offset(EVERY)) % stride(EVERY):
            return
        cuts += 1
        after.boot(vfs.disk.after_power_cut(moment))
        assert migrated(after) == (len(TODAY), AGENTS)

    vfs.disk.before_change = cut
    assert migrated(vfs) == (len(TODAY), AGENTS)
    assert cuts > 100 / stride(EVERY)

"""A home comes over as its host left it: in mid-write, or before it had some of its tables."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from nanoclaw.importing.apply import apply
from nanoclaw.importing.read import read_home
from nanoclaw.store import destinations
from nanoclaw.store.verify import verify
from nanoclaw.store.wirings import wirings
from schema.sqlite import transaction
from tests.support.central import NOW, World
from tests.support.v2_full_home import full_home
from tests.support.v2_home import WHEN, V2Home, run_script


def bring(folder: Path) -> World:
    """That home in a new one."""
    world = World()
    with transaction(world.conn):
        apply(world.conn, read_home(folder, now=NOW), mint=world.mint, now=NOW)
    return world


def test_what_the_old_host_had_only_in_its_log_comes_over_too_and_the_log_stays_as_it_is(tmp_path: Path) -> None:
    old = V2Home(tmp_path / "old", is_new=True).make()
    host = sqlite3.connect(old.central)
    host.execute("PRAGMA wal_autocheckpoint = 0")
    host.execute("INSERT INTO agent_groups (id, name, folder, created_at) VALUES ('ag-1', 'Anna', 'anna', ?)", (WHEN,))
    host.commit()
    host.execute("INSERT INTO agent_groups (id, name, folder, created_at) VALUES ('ag-2', 'Bob', 'bob', ?)", (WHEN,))
    log = old.central.with_name("v2.db-wal")
    before = (old.central.read_bytes(), log.read_bytes())
    assert b"Anna" not in before[0]
    assert [group.name for group in read_home(old.folder, now=NOW).agent_groups] == ["Anna"], "Bob was not committed"
    assert (old.central.read_bytes(), log.read_bytes()) == before
    host.close()


@pytest.mark.parametrize("is_new", [False, True])
def test_a_home_of_before_destinations_gets_one_for_each_wiring(tmp_path: Path, *, is_new: bool) -> None:
    old = full_home(tmp_path / "old", is_new=is_new)
    run_script(old.central, "DROP TABLE agent_destinations; DROP TABLE user_dms; DROP TABLE agent_group_members;")
    world = bring(old.folder)
    wired = {(one.agent_group_id, one.messaging_group_id) for one in wirings(world.conn)}
    stored = destinations.stored(world.conn)
    assert {(one.agent_group_id, one.messaging_group_id) for one in stored} == wired
    assert len(stored) == len(wired) == 6
    assert verify(world.conn, tmp_path, host=None, now=NOW) == []


def test_a_home_without_anything_in_it_is_brought_without_anything(tmp_path: Path) -> None:
    V2Home(tmp_path / "old", is_new=False).make()
    world = bring(tmp_path / "old")
    assert wirings(world.conn) == []
    assert verify(world.conn, tmp_path, host=None, now=NOW) == []

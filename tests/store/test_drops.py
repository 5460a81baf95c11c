"""The record of what was not passed on."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from nanoclaw.model.ids import EpochNumber
from nanoclaw.model.messages import Drop
from nanoclaw.store import drops
from tests.support.central import NOW, World

DROP = Drop(key="k", kind="outbound", reference="r1", reason="bad-seq", detail="7 is taken", digest="d", dropped_at=NOW)


def test_a_drop_is_kept_as_it_was_recorded_first() -> None:
    world = World()
    full = evolve(DROP, session_id=world.session(), epoch=EpochNumber(1))
    drops.record(world.conn, full)
    drops.record(world.conn, evolve(full, reason="another", dropped_at=NOW + timedelta(days=1)))
    assert drops.recent(world.conn) == [full]


def test_the_newest_drops_come_first() -> None:
    world = World()
    made = [evolve(DROP, key=f"k{minute}", dropped_at=NOW + timedelta(minutes=minute)) for minute in (1, 3, 2)]
    for drop in made:
        drops.record(world.conn, drop)
    assert drops.recent(world.conn) == [made[1], made[2], made[0]]
    assert drops.recent(world.conn, most=2) == [made[1], made[2]]

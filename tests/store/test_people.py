"""Users, roles and memberships."""

from __future__ import annotations

from datetime import timedelta

from nanoclaw.model.ids import UserId
from nanoclaw.store import people
from schema.sqlite import fetch
from tests.support.central import NOW, World

ADA = UserId("test:ada")


def test_a_user_keeps_the_first_day_and_gets_the_latest_name() -> None:
    world = World()
    for days, name in enumerate(["Ada", "Ada", "Countess Lovelace"]):
        people.note_user(world.conn, ADA, name, now=NOW + timedelta(days=days))
    assert fetch(world.conn, "SELECT * FROM users") == [
        {"id": ADA, "display_name": "Countess Lovelace", "first_seen": "2026-04-16T14:37:00.000Z"}
    ]


def test_noting_a_user_again_by_the_same_name_writes_nothing() -> None:
    world = World()
    people.note_user(world.conn, ADA, "Ada", now=NOW)
    before = world.conn.total_changes()
    people.note_user(world.conn, ADA, "Ada", now=NOW)
    assert world.conn.total_changes() == before

"""The audit is added to, and nothing else: the database refuses the rest, but for what is old and said to go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store import audit
from nanoclaw.store.audit import Outcome
from schema.sqlite import Connection, ConstraintError, execute, fetch, transaction
from tests.support.central import World

KEEP = timedelta(days=30)


def acts(conn: Connection) -> list[tuple[str, str | None, Outcome]]:
    return [(one.what, one.subject, one.outcome) for one in audit.records(conn)]


def add(world: World, what: str, who: str = "test:ada") -> None:
    with transaction(world.conn):
        audit.record(world.conn, who=who, what=what, at=world.now)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET who = 'nobody'",
        "UPDATE OR REPLACE audit SET number = 2 WHERE number = 1",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE number = 1",
        "INSERT OR REPLACE INTO audit (number, at, who, what, outcome) VALUES (1, 'now', 'nobody', 'nothing', 'done')",
        "REPLACE INTO audit SELECT number, at, 'nobody', what, subject, digest, outcome, detail FROM audit",
    ],
)
def test_no_record_can_be_changed_removed_or_replaced(sql: str) -> None:
    world = World()
    add(world, "roles grant")
    add(world, "roles revoke")
    before = fetch(world.conn, "SELECT * FROM audit")
    with pytest.raises(ConstraintError, match="only added to"):
        execute(world.conn, sql)
    assert fetch(world.conn, "SELECT * FROM audit") == before


def test_a_record_goes_with_the_act_or_not_at_all() -> None:
    world = World()

    def undone() -> None:
        with transaction(world.conn):
            audit.record(world.conn, who="host", what="send", at=world.now)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    assert acts(world.conn) == []


def test_what_is_old_goes_and_a_record_says_so() -> None:
    world = World()
    add(world, "first")
    add(world, "second")
    world.wait(seconds=86_400)
    add(world, "third")
    world.wait(seconds=(KEEP - timedelta(days=1)).total_seconds() - 1)
    with transaction(world.conn):
        assert audit.prune(world.conn, after=0, keep=KEEP, now=world.now).removed == 0
    world.wait(seconds=1)
    with transaction(world.conn):
        assert audit.prune(world.conn, after=0, keep=KEEP, now=world.now).removed == 2
    (third, removal) = audit.records(world.conn)
    assert (third.what, removal.what, removal.who) == ("third", audit.REMOVE, audit.HOST)
    assert removal.detail == "2 records that were old enough"
    with pytest.raises(ConstraintError, match="only added to"):
        execute(world.conn, "DELETE FROM audit WHERE what = 'third'")


def test_a_number_is_never_used_again() -> None:
    world = World()
    add(world, "first")
    world.wait(seconds=KEEP.total_seconds())
    with transaction(world.conn):
        audit.prune(world.conn, after=0, keep=KEEP, now=world.now)
    add(world, "second")
    assert [one.number for one in audit.records(world.conn)] == [2, 3]


def test_records_are_found_by_who_by_what_and_by_time_the_latest_of_them() -> None:
    world = World()
    add(world, "roles grant", who=audit.agent(AgentGroupId("agt-1")))
    add(world, "groups update", who="telegram:47")
    later = world.wait(seconds=60)
    add(world, "roles revoke", who="telegram:48")
    assert [one.what for one in audit.records(world.conn, who="Telegram")] == ["groups update", "roles revoke"]
    assert [one.who for one in audit.records(world.conn, what="ROLES")] == ["agent:agt-1", "telegram:48"]
    assert [one.what for one in audit.records(world.conn, since=later)] == ["roles revoke"]
    assert [one.what for one in audit.records(world.conn, most=2)] == ["groups update", "roles revoke"]
    assert audit.records(world.conn, who="%") == []


def test_what_strangers_call_themselves_forges_no_second_line_and_has_an_end() -> None:
    world = World()
    with transaction(world.conn):
        audit.record(world.conn, who="x:\x1b[31m\n", what="send", on="a" * 5_000, detail="b\nc\x07", at=world.now)
    (found,) = audit.records(world.conn)
    assert found.who.isprintable()
    assert len(found.subject or "") == audit.MOST_TEXT
    assert found.detail == "b c"

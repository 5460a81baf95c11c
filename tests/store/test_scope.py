"""What an agent may see of the truth, and that nothing else is there for it."""

from __future__ import annotations

import pytest
from attrs import define, field

from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.ids import SessionId
from nanoclaw.model.rights import Member
from nanoclaw.model.settings import ContainerSettings
from nanoclaw.store import people
from nanoclaw.store.scope import WITHIN, scoped
from nanoclaw.store.settings import set_settings
from schema.sqlite import Connection, SqliteError, execute, fetch, transaction
from tests.support.central import NOW, World, everything
from tests.support.tasks import a_task, added


@define
class Two:
    """Two agents that have a bit of everything, each."""

    world: World = field(factory=World)
    agents: dict[str, AgentGroup] = field(factory=dict[str, AgentGroup])
    sessions: dict[str, SessionId] = field(factory=dict[str, SessionId])

    def __attrs_post_init__(self) -> None:
        for name in ("nano", "other"):
            agent = self.agents[name] = self.world.agent(name)
            session = self.sessions[name] = self.world.session_of(
                self.world.wire(self.world.chat(f"room-{name}"), agent)
            )
            _, epoch = self.world.claimed(session, f"said-{name}")
            self.world.reply(session, epoch, 3)
            added(self.world, a_task(session, f"task-{name}"))
            member = Member(
                user_id=self.world.user(f"member-{name}"), agent_group_id=agent.id, added_by=None, added_at=NOW
            )
            people.add_member(self.world.conn, member)
            mounts = '[{"hostPath": "~/secret"}]'
            set_settings(
                self.world.conn, ContainerSettings(agent_group_id=agent.id, additional_mounts=mounts, updated_at=NOW)
            )

    def seen(self, agent: AgentGroup | None) -> dict[str, int]:
        """How many rows of each table are seen within a scope, if there are any."""
        conn = self.world.conn
        found = {}
        with transaction(conn), scoped(conn, None if agent is None else agent.id):
            for table in tables(conn):
                text = repr(rows := fetch(conn, f"SELECT * FROM {table}"))
                assert "secret" not in text
                assert agent is None or "other" not in text
                if rows:
                    found[table] = len(rows)
        return found


def tables(conn: Connection) -> list[str]:
    rows = fetch(conn, "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return [str(row["name"]) for row in rows]


def test_an_agent_sees_what_is_its_own_and_nothing_else_is_there() -> None:
    two = Two()
    execute(two.world.conn, "UPDATE messaging_groups SET name = id")
    seen = two.seen(two.agents["nano"])
    assert seen.keys() <= WITHIN.keys()
    assert set(seen.values()) == {1}
    assert {"agent_groups", "messaging_groups", "sessions", "inbound", "ledger", "tasks", "users"} <= seen.keys()


def test_without_an_agent_all_is_seen_that_any_agent_may_see_and_no_folder_of_the_machine() -> None:
    seen = Two().seen(None)
    assert seen.keys() <= WITHIN.keys()
    assert set(seen.values()) == {2}


def test_a_statement_that_was_prepared_before_sees_no_more_and_one_that_was_prepared_inside_sees_all_again() -> None:
    two = Two()
    conn, sql = two.world.conn, "SELECT id FROM agent_groups ORDER BY id"
    assert len(fetch(conn, sql)) == 2
    with transaction(conn), scoped(conn, two.agents["nano"].id):
        assert len(fetch(conn, sql)) == 1
    assert len(fetch(conn, sql)) == 2


def test_nothing_is_written_through_it_and_nothing_of_it_is_left() -> None:
    two = Two()
    conn, before = two.world.conn, everything(two.world.conn)
    with pytest.raises(SqliteError, match="it is a view"), transaction(conn), scoped(conn, two.agents["nano"].id):
        execute(conn, "UPDATE agent_groups SET name = 'mine'")
    assert fetch(conn, "SELECT * FROM sqlite_temp_schema") == []
    assert everything(conn) == before
    with transaction(conn), scoped(conn, None):
        pass


def test_every_table_that_is_named_is_there() -> None:
    assert set(tables(World().conn)) > WITHIN.keys()

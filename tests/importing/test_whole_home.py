"""Both ages of an old home come to the same, twice over; and `verify` finds nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import define, field

from nanoclaw.importing.apply import apply
from nanoclaw.importing.folders import copies, copy
from nanoclaw.importing.plan import Plan
from nanoclaw.importing.read import read_home
from nanoclaw.model.rights import Role
from nanoclaw.store import destinations, entities, people
from nanoclaw.store.settings import settings_of
from nanoclaw.store.verify import verify
from nanoclaw.store.wirings import wirings
from schema.sqlite import Row, fetch, transaction
from tests.support.central import World, everything
from tests.support.v2_full_home import full_home


@define(eq=False)
class Imported:
    """An old home, and the new one that it was brought into."""

    old: Path
    home: Path
    world: World = field(factory=World)

    def bring(self) -> Plan:
        """Import it."""
        found = read_home(self.old, now=self.world.now)
        with transaction(self.world.conn):
            made = apply(self.world.conn, found, mint=self.world.mint, now=self.world.now)
        for one in copies(found, self.home, made.coming):
            made.left += copy(one)
        return made

    def rows(self, sql: str) -> list[Row]:
        return fetch(self.world.conn, sql)


@pytest.fixture(params=[False, True], ids=["before migration 010", "of the last version"])
def imported(request: pytest.FixtureRequest, tmp_path: Path) -> Imported:
    full_home(tmp_path / "old", is_new=request.param)
    home = tmp_path / "home"
    home.mkdir()
    return Imported(tmp_path / "old", home)


def test_agents_and_chats_come_with_their_ids(imported: Imported) -> None:
    imported.bring()
    assert [(one.id, one.name, one.folder) for one in entities.agent_groups(imported.world.conn)] == [
        ("ag-anna", "Anna", "anna"),
        ("ag-bob", "Bob", "bob"),
        ("ag-Cleo", "Cleo", "Cleo"),
    ]
    chats = [
        (one.id, one.channel, one.platform_id, one.name, one.is_group, one.unknown_sender_policy.value)
        for one in entities.messaging_groups(imported.world.conn)
    ]
    assert chats == [
        ("mg-team", "slack", "telegram:team", "Team", True, "public"),
        ("mg-dm", "telegram", "telegram:dm", "Dm", False, "strict"),
        ("mg-lobby", "telegram", "telegram:lobby", "Lobby", True, "request_approval"),
        ("mg-quiet", "telegram", "telegram:quiet", "telegram telegram:quiet", True, "strict"),
    ]


def test_wirings_say_what_the_old_columns_meant(imported: Imported) -> None:
    imported.bring()
    found = {
        one.id: (
            one.engage_mode.value,
            one.engage_pattern,
            one.sender_scope.value,
            one.session_mode.value,
            one.priority,
        )
        for one in wirings(imported.world.conn)
    }
    assert found == {
        "mga-1": ("pattern", ".", "all", "shared", 0),
        "mga-2": ("pattern", "^deploy", "all", "shared", 0),
        "mga-3": ("mention", None, "all", "shared", 3),
        "mga-4": ("pattern", ".", "known", "shared", 0),
        "mga-5": ("mention", None, "known", "shared", 0),
        "mga-6": ("mention", None, "all", "agent-shared", 0),
    }
    assert {one.ignored_message_policy.value for one in wirings(imported.world.conn)} == {"drop"}


def test_people_come_with_their_roles_once(imported: Imported) -> None:
    imported.bring()
    conn = imported.world.conn
    assert [(one.id, one.display_name) for one in people.users(conn)] == [
        ("slack:9", "Eve"),
        ("telegram:1", "Ada"),
        ("telegram:2", "telegram:2"),
    ]
    assert [(one.user_id, one.role, one.agent_group_id, one.granted_by) for one in people.grants(conn)] == [
        ("telegram:1", Role.OWNER, None, None),
        ("slack:9", Role.ADMIN, "ag-bob", "telegram:1"),
    ]
    assert [(one.user_id, one.agent_group_id, one.added_by) for one in people.members(conn)] == [
        ("telegram:2", "ag-anna", "telegram:1")
    ]
    assert imported.rows("SELECT user_id, channel, messaging_group_id FROM direct_messages") == [
        {"user_id": "telegram:1", "channel": "telegram", "messaging_group_id": "mg-dm"}
    ]


def test_destinations_keep_their_names_and_wirings_without_one_get_theirs(imported: Imported) -> None:
    imported.bring()
    found = {
        (one.agent_group_id, one.name): (one.messaging_group_id or one.target_agent_group_id, one.made_by.value)
        for one in destinations.stored(imported.world.conn)
    }
    assert found == {
        ("ag-anna", "my-dm"): ("mg-dm", "wiring"),
        ("ag-anna", "bob"): ("ag-bob", "operator"),
        ("ag-anna", "team"): ("mg-team", "wiring"),
        ("ag-anna", "lobby"): ("mg-lobby", "wiring"),
        ("ag-bob", "team"): ("mg-team", "wiring"),
        ("ag-bob", "lobby"): ("mg-lobby", "wiring"),
        ("ag-Cleo", "dm"): ("mg-dm", "wiring"),
    }


def test_settings_come_from_the_table_or_from_the_file(imported: Imported) -> None:
    imported.bring()
    anna, bob = (settings_of(imported.world.conn, one.id) for one in entities.agent_groups(imported.world.conn)[:2])
    assert anna is not None
    assert (anna.model, anna.assistant_name, anna.max_messages_per_prompt) == ("small", "Anna", 5)
    assert json.loads(anna.skills) == ["welcome"]
    assert json.loads(anna.packages) == {"apt": ["jq"]}
    assert json.loads(anna.mcp_servers) == {"x": {"command": "y"}}
    assert bob is not None
    assert (bob.provider, json.loads(bob.skills), bob.admin_scope.value) == ("claude", "all", "group")


def test_conversations_come_with_their_models_thread_and_tasks_come_paused(imported: Imported) -> None:
    imported.bring()
    sessions = imported.rows(
        "SELECT id, agent_group_id, messaging_group_id, thread_id, provider_state FROM sessions ORDER BY id"
    )
    state = {row["id"]: json.loads(str(row["provider_state"])) for row in sessions}
    assert state["sess-1"] == state["sess-3"] == {"continuation:claude": "thread-1"}
    places = {str(row["id"]): (row["messaging_group_id"], row["thread_id"]) for row in sessions}
    assert places == {
        "sess-1": ("mg-dm", None),
        "sess-2": ("mg-team", "t1"),
        "sess-3": (None, None),
        "sess-4": ("mg-lobby", None),
    }
    tasks = imported.rows("SELECT id, session_id, state, cron, first_at, prompt, script FROM tasks ORDER BY id")
    assert [(row["id"], row["session_id"], row["state"], row["cron"]) for row in tasks] == [
        ("task-1", "sess-1", "paused", "0 9 * * *"),
        ("task-2", "sess-1", "paused", None),
        ("task-9", "sess-3", "paused", None),
    ]
    made = "2026-01-02T03:04:05.000Z"
    assert [row["first_at"] for row in tasks] == ["2026-01-03T09:00:00.000Z", "2026-01-04T09:00:00.000Z", made]
    assert (tasks[0]["prompt"], tasks[0]["script"]) == ("do 1", None)
    assert imported.rows("SELECT * FROM occurrences") == []


def test_folders_come_and_what_the_old_host_made_in_them_does_not(imported: Imported) -> None:
    imported.bring()
    files = {str(path.relative_to(imported.home)) for path in imported.home.rglob("*") if path.is_file()}
    assert files == {
        "groups/anna/CLAUDE.local.md",
        "groups/anna/notes/list.txt",
        "groups/bob/work.txt",
        "state/ag-anna/settings.json",
    }
    assert (imported.home / "groups/anna/CLAUDE.local.md").read_text() == "I am Anna."


def test_what_stays_behind_is_said(imported: Imported) -> None:
    left = {one.what: one.why for one in imported.bring().left}
    assert "nanoclaw wirings create mg-lobby ag-Cleo --engage-pattern" in left["wiring mga-7"]
    assert set(left) == {
        "wiring mga-7",
        "the model's thread of session sess-5",
        "1 waiting messages of session sess-1",
        "3 messages of session sess-1",
    }
    assert b"secret talk" not in bytes(imported.world.conn.serialize("main"))


def test_a_second_import_changes_nothing_and_says_so(imported: Imported) -> None:
    first = imported.bring()
    before = everything(imported.world.conn)
    again = imported.bring()
    assert everything(imported.world.conn) == before
    assert again.empty
    assert {name: there for name, _, there in again.counts()} == {name: new for name, new, _ in first.counts()}


def test_the_home_is_sound_afterwards(imported: Imported) -> None:
    imported.bring()
    assert verify(imported.world.conn, imported.home, host=None, now=imported.world.now) == []


def test_both_ages_come_to_the_same(tmp_path: Path) -> None:
    homes = []
    for is_new in (False, True):
        full_home(tmp_path / str(is_new), is_new=is_new)
        (tmp_path / f"home-{is_new}").mkdir()
        one = Imported(tmp_path / str(is_new), tmp_path / f"home-{is_new}")
        one.bring()
        rows = everything(one.world.conn)
        # Only the newer age has denied chats, has times of its own for settings, and knows two providers.
        rows["messaging_groups"] = [{**row, "denied_at": None} for row in rows["messaging_groups"]]
        rows["container_settings"] = [{**row, "updated_at": None} for row in rows["container_settings"]]
        rows["sessions"] = [{**row, "provider_state": None} for row in rows["sessions"] if row["id"] == "sess-2"]
        homes.append(rows)
    assert homes[0] == homes[1]

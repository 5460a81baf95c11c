"""What is broken, hostile or in the way costs itself, with a sentence, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nanoclaw.errors import UsageError
from nanoclaw.importing.apply import apply
from nanoclaw.importing.folders import copies, copy
from nanoclaw.importing.plan import Plan, is_old_folder, plan
from nanoclaw.importing.present import Present, look
from nanoclaw.importing.read import read_home
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store import entities
from schema.sqlite import transaction
from tests.support.central import NOW, World, everything
from tests.support.v2_full_home import full_home
from tests.support.v2_home import WHEN, V2Home, run_script, task

CHAT = {"id": "x", "channel_type": "t", "platform_id": "p"}
NAME = {"agent_group_id": "ag-1", "local_name": "x", "target_id": "y"}


@pytest.fixture
def old(tmp_path: Path) -> V2Home:
    """A home of the last version with one agent in one chat."""
    home = V2Home(tmp_path / "old", is_new=True).make()
    home.add("agent_groups", id="ag-1", name="Anna", folder="anna", created_at=WHEN)
    home.add("messaging_groups", id="mg-1", channel_type="test", platform_id="room", is_group=1, created_at=WHEN)
    return home


def planned(old: V2Home, here: Present | None = None) -> Plan:
    """What would come over."""
    return plan(read_home(old.folder, now=NOW), here or Present())


def why(made: Plan, what: str) -> str:
    """Why that stays behind."""
    (found,) = [one.why for one in made.left if what in one.what]
    return found


def test_a_folder_that_is_no_home_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no NanoClaw v2 folder: it has no data/v2\.db"):
        read_home(tmp_path, now=NOW)


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to look like one" * 9])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "v2.db").write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot be read|is no database of NanoClaw v2"):
        read_home(tmp_path, now=NOW)


def test_a_link_in_place_of_the_database_is_not_followed(tmp_path: Path, old: V2Home) -> None:
    (tmp_path / "other" / "data").mkdir(parents=True)
    (tmp_path / "other" / "data" / "v2.db").symlink_to(old.central)
    with pytest.raises(UsageError, match="cannot be read"):
        read_home(tmp_path / "other", now=NOW)


def test_reading_changes_nothing_of_the_old_home(tmp_path: Path) -> None:
    full_home(tmp_path / "old", is_new=True)
    before = {path: path.read_bytes() for path in (tmp_path / "old").rglob("*") if path.is_file()}
    read_home(tmp_path / "old", now=NOW)
    assert {path: path.read_bytes() for path in (tmp_path / "old").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("table", "row", "sentence"),
    [
        (
            "messaging_groups",
            {"id": "x", "channel_type": "t", "platform_id": "p", "unknown_sender_policy": "loud"},
            "loud",
        ),
        ("messaging_groups", {**CHAT, "channel_type": ""}, "channel_type is ''"),
        ("users", {"id": "x", "kind": "t", "display_name": b"\xff"}, "display_name is"),
        (
            "agent_destinations",
            {"agent_group_id": "ag-1", "local_name": "x", "target_type": "moon", "target_id": "y"},
            "moon",
        ),
        ("container_configs", {"agent_group_id": "ag-1", "skills": "{"}, "JSON"),
        ("container_configs", {"agent_group_id": "ag-1", "mcp_servers": "[]"}, "mcp_servers is"),
        ("container_configs", {"agent_group_id": "ag-1", "cli_scope": "all"}, "all"),
    ],
)
def test_a_row_that_does_not_fit_stays_behind_alone(
    old: V2Home, table: str, row: dict[str, object], sentence: str
) -> None:
    column = "updated_at" if table == "container_configs" else "created_at"
    old.add(table, **row, **{column: WHEN})
    made = planned(old)
    assert sentence in why(made, table)
    assert [one.id for one in made.agent_groups] == ["ag-1"]


def test_what_refers_to_what_does_not_come_stays_behind_too(old: V2Home) -> None:
    old.add("messaging_group_agents", id="w", messaging_group_id="gone", agent_group_id="ag-1", created_at=WHEN)
    old.add("user_roles", user_id="gone", role="admin", agent_group_id=None, granted_at=WHEN)
    old.add("agent_group_members", user_id="gone", agent_group_id="ag-1", added_at=WHEN)
    old.add("user_dms", user_id="gone", channel_type="t", messaging_group_id="mg-1", resolved_at=WHEN)
    old.add("sessions", id="s", agent_group_id="gone", created_at=WHEN)
    old.add(
        "agent_destinations",
        agent_group_id="ag-1",
        local_name="moon",
        target_type="agent",
        target_id="gone",
        created_at=WHEN,
    )
    made = planned(old)
    for what in ("wiring w", "role of gone", "membership of gone", "address of gone", "session s", "destination moon"):
        assert "not come over" in why(made, what)


def test_an_owner_of_one_agent_group_and_a_taken_name_stay_behind(old: V2Home) -> None:
    old.add("users", id="t:1", kind="t", created_at=WHEN)
    old.add("user_roles", user_id="t:1", role="owner", agent_group_id="ag-1", granted_at=WHEN)
    row = {"agent_group_id": "ag-1", "target_type": "channel", "target_id": "mg-1", "created_at": WHEN}
    old.add("agent_destinations", local_name="The Room", **row)
    made = planned(old)
    assert "owners own everything" in why(made, "user_roles")
    assert "is none here" in why(made, "destination The Room")


def test_what_waits_for_people_there_is_counted_and_stays(old: V2Home) -> None:
    old.add(
        "pending_channel_approvals",
        messaging_group_id="mg-1",
        agent_group_id="ag-1",
        original_message="{}",
        approver_user_id="t:1",
        created_at=WHEN,
    )
    assert "the old host" in why(planned(old), "1 chats that nobody decided about")


def test_a_folder_of_somebody_else_here_keeps_the_agent_out_with_all_that_is_its_own(old: V2Home) -> None:
    world = World()
    world.agent("anna")
    made = planned(old, look(world.conn))
    assert "belongs to anna here: import into a home of its own" in why(made, "agent group Anna")
    assert made.coming == frozenset()


def test_a_chat_that_is_known_here_is_the_same_chat_whatever_its_id(old: V2Home) -> None:
    old.add(
        "messaging_group_agents",
        id="w",
        messaging_group_id="mg-1",
        agent_group_id="ag-1",
        engage_mode="mention",
        created_at=WHEN,
    )
    world = World()
    here = world.chat("room", channel="test")
    made = planned(old, look(world.conn))
    assert made.chats == []
    assert [one.messaging_group_id for one in made.wirings] == [here.id]


@pytest.mark.parametrize(
    ("name", "was"),
    [
        ("main", True),
        ("Main-2_x", True),
        ("global", False),
        ("Global", False),
        ("-a", False),
        ("a/b", False),
        ("é", False),
    ],
)
def test_only_what_was_a_folder_there_is_one_here(name: str, was: bool) -> None:
    assert is_old_folder(name) is was


def test_an_agent_with_a_folder_outside_stays_behind(old: V2Home) -> None:
    old.add("agent_groups", id="ag-2", name="Evil", folder="../../etc", created_at=WHEN)
    assert "no name of a folder" in why(planned(old), "agent group Evil")


def test_a_session_whose_files_are_broken_comes_without_what_was_in_them(old: V2Home) -> None:
    for name in ("s-1", "s-2", "s-3"):
        old.add("sessions", id=name, agent_group_id="ag-1", messaging_group_id="mg-1", thread_id=name, created_at=WHEN)
    place = old.session("ag-1", "s-1", messages=[task(1)])
    (place / "inbound.db").write_bytes(b"garbage " * 200)
    (place / "outbound.db").unlink()
    (place / "outbound.db").symlink_to(old.central)
    broken = [task(2, content="not json"), task(3, content='{"prompt": 7}'), task(4, content="[" * 5000)]
    old.session("ag-1", "s-2", messages=[*broken, task(5)])
    made = planned(old)
    assert len(made.sessions) == 3
    assert [one.id for one in made.tasks] == ["task-5"]
    assert "cannot be read" in why(made, "inbound.db of session s-1")
    assert "cannot be read" in why(made, "outbound.db of session s-1")
    assert sum("task" in one.what for one in made.left) == 3


def test_a_hostile_outbox_is_not_run(old: V2Home) -> None:
    old.add("sessions", id="s-1", agent_group_id="ag-1", messaging_group_id="mg-1", created_at=WHEN)
    place = old.session("ag-1", "s-1")
    endless = "WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n) SELECT k AS key, 'x' AS value FROM n"
    run_script(place / "outbound.db", f"DROP TABLE session_state; CREATE VIEW session_state AS {endless};")
    (made,) = planned(old).sessions
    assert made.provider_state == {}


def test_a_session_with_a_name_that_is_a_path_stays_behind(old: V2Home) -> None:
    old.add("sessions", id="../../x", agent_group_id="ag-1", created_at=WHEN)
    assert "no name of a folder" in why(planned(old), "sessions '../../x'")


def test_times_that_are_none_become_the_time_of_the_import(old: V2Home) -> None:
    old.add("agent_groups", id="ag-2", name="Bea", folder="bea", created_at="long ago")
    assert planned(old).agent_groups[1].created_at == NOW


def test_links_and_devices_in_folders_stay_behind(tmp_path: Path, old: V2Home) -> None:
    (tmp_path / "outside.txt").write_text("private")
    place = old.group_folder("anna", {"mine.txt": "x", "deep/er/file": "y"})
    (place / "link.txt").symlink_to(tmp_path / "outside.txt")
    (place / "deep" / "up").symlink_to(tmp_path)
    os.mkfifo(place / "pipe")
    home = tmp_path / "home"
    (one,) = copies(read_home(old.folder, now=NOW), home, [AgentGroupId("ag-1")])
    left = copy(one)
    assert {str(path.relative_to(home)) for path in home.rglob("*") if not path.is_dir()} == {
        "groups/anna/mine.txt",
        "groups/anna/deep/er/file",
    }
    assert sorted(one.what.split()[0] for one in left) == ["deep/up", "link.txt", "pipe"]
    assert copies(read_home(old.folder, now=NOW), home, [AgentGroupId("ag-1")]) == []


def test_a_copy_that_was_cut_short_is_made_again_and_what_is_here_stays(tmp_path: Path, old: V2Home) -> None:
    old.group_folder("anna", {"CLAUDE.md": "generated", "CLAUDE.local.md": "memory"})
    home = tmp_path / "home"
    (home / "groups" / ".importing-anna").mkdir(parents=True)
    (home / "groups" / ".importing-anna" / "half").write_text("x")
    (home / "groups" / "anna").mkdir()
    found = read_home(old.folder, now=NOW)
    (one,) = copies(found, home, [AgentGroupId("ag-1")])
    copy(one)
    assert [path.name for path in (home / "groups" / "anna").iterdir()] == ["CLAUDE.local.md"]
    assert [path.name for path in (home / "groups").iterdir()] == ["anna"]
    (home / "groups" / "anna" / "CLAUDE.local.md").write_text("newer")
    assert copies(found, home, [AgentGroupId("ag-1")]) == []
    assert copies(found, home, []) == []


def test_an_import_that_fails_on_the_way_leaves_nothing(old: V2Home) -> None:
    world = World()
    before = everything(world.conn)

    def fails(prefix: str) -> str:
        raise RuntimeError(prefix)

    old.add("users", id="t:1", kind="t", created_at=WHEN)
    old.add("user_roles", user_id="t:1", role="owner", agent_group_id=None, granted_at=WHEN)
    with pytest.raises(RuntimeError, match="role"), transaction(world.conn):
        apply(world.conn, read_home(old.folder, now=NOW), mint=fails, now=NOW)
    assert everything(world.conn) == before
    assert entities.agent_groups(world.conn) == []

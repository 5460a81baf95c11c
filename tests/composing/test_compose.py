"""What an agent group's sandbox finds: made once, brought up to date, and never read back from the agent."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nanoclaw.composing.compose import compose
from nanoclaw.composing.places import GroupPlaces
from nanoclaw.core.told import McpServer
from tests.composing.conftest import OTHER, TOLD, may_give_files_away, skill, told

LONG = "x" * 5_000


def snapshot(folder: Path) -> dict[str, object]:
    """Everything below a folder: what it is, how it may be used, when it was written, what it says."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        said = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (stat.filemode(status.st_mode), status.st_mtime_ns, said)
    return found


def test_a_new_agent_group_gets_its_folders_its_memory_and_what_it_is_told(places: GroupPlaces) -> None:
    compose(places, TOLD)
    assert json.loads(places.container_json.read_text())["groupName"] == "Nano"
    assert '<message to="name">' in places.instructions.read_text()
    assert "CLAUDE.local.md" in places.instructions.read_text()
    assert list(places.fragments.iterdir()) == []
    assert sorted(path.name for path in places.agent.iterdir()) == ["CLAUDE.local.md", "conversations"]
    assert sorted(path.name for path in places.state.iterdir()) == ["settings.json", "skills"]
    assert "env" in json.loads((places.state / "settings.json").read_text())
    assert list((places.state / "skills").iterdir()) == []


def test_a_memory_begins_once_with_what_it_is_to_begin_with(places: GroupPlaces) -> None:
    compose(places, told(first_memory="Look around.\n"))
    memory = places.agent / "CLAUDE.local.md"
    assert memory.read_text() == "# Memory\n\nLook around.\n"
    compose(places, told(first_memory="Something else."))
    assert memory.read_text() == "# Memory\n\nLook around.\n"


def test_what_the_host_makes_can_be_read_by_all_and_what_the_agent_has_by_its_owner(places: GroupPlaces) -> None:
    old = os.umask(0o077)
    try:
        compose(places, told(mcp_servers={"time": McpServer(command="x", instructions=LONG)}))
    finally:
        os.umask(old)
    modes = {str(path.relative_to(places.home)): path.lstat().st_mode & 0o777 for path in places.home.rglob("*")}
    assert modes["composed/agt-1/container.json"] == modes["composed/agt-1/CLAUDE.md"] == 0o644
    assert modes["composed/agt-1/fragments"] == 0o755
    assert modes["composed/agt-1/fragments/mcp-time.md"] == 0o644
    assert modes["groups"] == modes["state"] == modes["groups/nano"] == modes["state/agt-1"] == 0o700
    assert modes["groups/nano/CLAUDE.local.md"] == modes["state/agt-1/settings.json"] == 0o600


def test_composing_again_changes_nothing_where_nothing_changed(places: GroupPlaces) -> None:
    skill(places, "pdf", "Read.")
    servers = {"time": McpServer(command="x", instructions=LONG)}
    compose(places, told(mcp_servers=servers))
    before = snapshot(places.home)
    compose(places, told(mcp_servers=servers))
    assert snapshot(places.home) == before


def test_what_changed_is_brought_up_to_date_and_what_is_gone_is_removed(places: GroupPlaces) -> None:
    compose(places, told(mcp_servers={"time": McpServer(command="x", instructions=LONG)}))
    assert [path.name for path in places.fragments.iterdir()] == ["mcp-time.md"]
    (places.composed / ".CLAUDE.md.left-by-a-crash").touch()
    compose(places, told(group_name="Ops", mcp_servers={"cal": McpServer(command="x", instructions="Ask.")}))
    assert json.loads(places.container_json.read_text())["groupName"] == "Ops"
    assert "# The MCP server “cal”\n\nAsk.\n" in places.instructions.read_text()
    assert "“time”" not in places.instructions.read_text()
    assert sorted(path.name for path in places.composed.iterdir()) == [
        *("CLAUDE.md", "container.json", "fragments", "programs")
    ]
    assert list(places.fragments.iterdir()) == []


def test_memory_and_model_settings_are_the_agents_after_they_were_seeded(places: GroupPlaces) -> None:
    compose(places, TOLD)
    (places.agent / "CLAUDE.local.md").write_text("Ada likes tea.")
    (places.state / "settings.json").write_text("{}")
    (places.agent / "conversations").rmdir()
    (places.agent / "conversations").write_text("not a folder")
    compose(places, TOLD)
    assert (places.agent / "CLAUDE.local.md").read_text() == "Ada likes tea."
    assert (places.state / "settings.json").read_text() == "{}"
    assert (places.agent / "conversations").read_text() == "not a folder"


def test_an_agent_group_sees_the_skills_it_selected_and_is_told_how_to_use_them(places: GroupPlaces) -> None:
    skill(places, "pdf", "Read with care.")
    skill(places, "calendar")
    skill(places, "music", "Sing.")
    compose(places, TOLD)
    links = {path.name: str(path.readlink()) for path in (places.state / "skills").iterdir()}
    assert links == {name: f"/app/skills/{name}" for name in ("calendar", "music", "pdf")}
    compose(places, told(skills=("calendar", "gone", "pdf")))
    assert sorted(path.name for path in (places.state / "skills").iterdir()) == ["calendar", "pdf"]
    text = places.instructions.read_text()
    assert "# The skill “pdf”\n\nRead with care.\n" in text
    assert "music" not in text
    compose(places, told(skills=()))
    assert list((places.state / "skills").iterdir()) == []


@pytest.mark.parametrize("target", ["agent", "state"])
def test_a_folder_that_is_a_link_is_refused_and_nothing_is_made_behind_it(
    places: GroupPlaces, tmp_path: Path, target: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path: Path = getattr(places, target)
    path.parent.mkdir(parents=True)
    path.symlink_to(elsewhere)
    with pytest.raises(OSError, match=r"Not a directory|symbolic"):
        compose(places, TOLD)
    assert list(elsewhere.iterdir()) == []


PLANTS: dict[str, Callable[[Path, Path], object]] = {
    "a link to a file": lambda path, outside: path.symlink_to(outside),
    "a link to a folder": lambda path, outside: path.symlink_to(outside.parent),
    "a link to nothing": lambda path, outside: path.symlink_to(outside.parent / "new"),
    "a folder": lambda path, _: path.mkdir(),
    "a FIFO": lambda path, _: os.mkfifo(path),
    "a hard link": lambda path, outside: path.hardlink_to(outside),
    "a file without rights": lambda path, _: path.touch(mode=0o000),
}


@pytest.mark.parametrize("place", ["agent/CLAUDE.local.md", "agent/conversations", "state/settings.json"])
@pytest.mark.parametrize("plant", PLANTS)
def test_whatever_an_agent_plants_where_the_host_seeds_stays_and_nothing_outside_changes(
    places: GroupPlaces, outside: Path, place: str, plant: str
) -> None:
    top, _, name = place.partition("/")
    path: Path = getattr(places, top) / name
    path.parent.mkdir(parents=True)
    PLANTS[plant](path, outside)
    before = path.lstat()
    compose(places, TOLD, owner=OTHER if may_give_files_away() else None)
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert outside.read_text() == "precious"
    assert [entry.name for entry in outside.parent.iterdir()] == ["secret"]
    if plant != "a hard link":
        assert outside.stat().st_uid == os.geteuid()


def test_the_owner_has_what_the_agent_can_write_and_nothing_else(places: GroupPlaces) -> None:
    skill(places, "pdf")
    if not may_give_files_away():
        with pytest.raises(PermissionError):
            compose(places, TOLD, owner=OTHER)
        return
    compose(places, TOLD)
    (places.agent / "work").mkdir()
    (places.agent / "work" / "notes").write_text("mine")
    compose(places, TOLD, owner=OTHER)
    owners = {path: (path.lstat().st_uid, path.lstat().st_gid) for path in places.home.rglob("*")}
    agents = {path for path, owner in owners.items() if owner == (OTHER.uid, OTHER.gid)}
    tops = (places.agent, places.state)
    assert agents == {path for path in owners if any(path == top or path.is_relative_to(top) for top in tops)}
    assert len(agents) == 9


def test_many_sessions_of_one_group_compose_at_once(places: GroupPlaces) -> None:
    skill(places, "pdf", "Read.")
    variants = [
        told(group_name=f"Nano {number}", mcp_servers={f"s{number}": McpServer(command="x", instructions=LONG)})
        for number in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: compose(places, one), variants * 5))
    last = json.loads(places.container_json.read_text())["groupName"].removeprefix("Nano ")
    assert f"mcp-s{last}.md" in places.instructions.read_text()
    assert [path.name for path in places.fragments.iterdir()] == [f"mcp-s{last}.md"]
    assert sorted(path.name for path in places.composed.iterdir()) == [
        *("CLAUDE.md", "container.json", "fragments", "programs")
    ]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", "a\0"])
def test_a_name_that_is_no_folder_of_its_own_is_no_place(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a folder"):
        GroupPlaces(home=tmp_path, folder=name, group="agt-1")
    with pytest.raises(ValueError, match="not the name of a folder"):
        GroupPlaces(home=tmp_path, folder="nano", group=name)

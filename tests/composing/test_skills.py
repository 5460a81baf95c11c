"""Which skills a home has, and what an agent may do to its links without harm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nanoclaw.composing.handles import folder
from nanoclaw.composing.places import GroupPlaces
from nanoclaw.composing.skills import MOST_BYTES, Skill, find_skills, link_skills, select
from tests.composing.conftest import skill


def linked(state: Path, *names: str) -> dict[str, str]:
    """Link those skills; returns all links there are then."""
    with folder(state) as descriptor:
        link_skills(descriptor, names, None)
    return {path.name: str(path.readlink()) for path in (state / "skills").iterdir() if path.is_symlink()}


def test_a_home_without_skills_has_none(places: GroupPlaces) -> None:
    places.home.mkdir()
    assert find_skills(places.skills) == select(find_skills(places.skills), None)
    assert find_skills(places.skills).skills == ()


def test_a_skill_is_a_folder_with_a_skill_file_and_anything_else_is_left_out(
    places: GroupPlaces, outside: Path
) -> None:
    skill(places, "pdf", "Read.")
    skill(places, "calendar")
    skill(places, "a b")
    skill(places, "latin").joinpath("instructions.md").write_bytes(b"\xff")
    (places.skills / "empty").mkdir()
    (places.skills / "README.md").touch()
    (places.skills / ".git").mkdir()
    (places.skills / "link").symlink_to(outside.parent)
    skill(places, "sly").joinpath("instructions.md").symlink_to(outside)
    skill(places, "large").joinpath("SKILL.md").write_bytes(b"x" * (MOST_BYTES + 1))
    found = find_skills(places.skills)
    assert found.skills == (Skill("calendar", None), Skill("pdf", "Read."), Skill("sly", None))
    assert [why.split(":")[0] for why in found.left_out] == [
        f"skills/'{name}'" for name in ("README.md", "a b", "empty", "large", "latin", "link")
    ]


def test_the_folder_of_all_skills_may_be_a_link(places: GroupPlaces, tmp_path: Path) -> None:
    skill(places, "pdf")
    places.skills.rename(tmp_path / "elsewhere")
    places.skills.symlink_to(tmp_path / "elsewhere")
    assert find_skills(places.skills).skills == (Skill("pdf", None),)


def test_selecting_a_skill_that_is_not_there_is_said(places: GroupPlaces) -> None:
    skill(places, "pdf")
    found = select(find_skills(places.skills), ["pdf", "gone"])
    assert found.skills == (Skill("pdf", None),)
    assert found.left_out == ("skills: there is none called 'gone'",)


def test_links_of_the_host_come_and_go_and_what_the_agent_made_stays(tmp_path: Path) -> None:
    assert linked(tmp_path, "a", "b") == {"a": "/app/skills/a", "b": "/app/skills/b"}
    links = tmp_path / "skills"
    (links / "own").mkdir()
    (links / "mine").symlink_to("/workspace/agent/skills/mine")
    (links / "a").unlink()
    (links / "a").symlink_to("/etc")
    (links / "c").mkdir()
    assert linked(tmp_path, "a", "c") == {"a": "/app/skills/a", "mine": "/workspace/agent/skills/mine"}
    assert (links / "own").is_dir()
    assert (links / "c").is_dir()


@pytest.mark.parametrize("plant", ["link", "file", "fifo"])
def test_something_else_in_place_of_the_links_is_moved_out_of_the_way(
    tmp_path: Path, outside: Path, plant: str
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    match plant:
        case "link":
            (state / "skills").symlink_to(outside.parent)
        case "file":
            (state / "skills").write_text("mine")
        case _:
            os.mkfifo(state / "skills")
    assert linked(state, "a") == {"a": "/app/skills/a"}
    assert [path.name for path in outside.parent.iterdir()] == ["secret"]
    displaced = {path.name for path in state.iterdir()} - {"skills"}
    assert displaced == ({"skills.displaced"} if plant == "file" else set())

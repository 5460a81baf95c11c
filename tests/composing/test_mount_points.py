"""Where the host's files are mounted over an agent's folder is something plain, whatever the agent had put there."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from nanoclaw.composing.handles import folder
from nanoclaw.composing.mount_points import prepare_mount_points
from nanoclaw.errors import SandboxError

FILES = ("CLAUDE.md", "container.json")
FRAGMENTS = ".claude-fragments"


def prepare(agent: Path) -> tuple[str, ...]:
    with folder(agent) as descriptor:
        return prepare_mount_points(descriptor)


def is_prepared(agent: Path) -> bool:
    plain = [agent / name for name in FILES]
    return (
        all(path.is_file() and not path.is_symlink() and path.stat().st_size == 0 for path in plain)
        and (agent / FRAGMENTS).is_dir()
        and not (agent / FRAGMENTS).is_symlink()
    )


def test_mount_points_are_made_once(tmp_path: Path) -> None:
    assert prepare(tmp_path) == ()
    assert is_prepared(tmp_path)
    before = [path.stat().st_ino for path in tmp_path.iterdir()]
    assert prepare(tmp_path) == ()
    assert [path.stat().st_ino for path in tmp_path.iterdir()] == before


@pytest.mark.parametrize("name", [*FILES, FRAGMENTS])
def test_a_file_of_the_agents_is_moved_aside_each_under_a_name_of_its_own(tmp_path: Path, name: str) -> None:
    displaced: list[str] = []
    for number in range(3):
        if (tmp_path / name).is_dir():
            (tmp_path / name).rmdir()
        (tmp_path / name).write_text(f"words {number}")
        displaced += prepare(tmp_path)
        assert is_prepared(tmp_path)
    assert displaced[0] == f"{name}.displaced"
    assert [(tmp_path / aside).read_text() for aside in displaced] == ["words 0", "words 1", "words 2"]


@pytest.mark.parametrize("name", FILES)
def test_a_folder_where_a_file_belongs_is_moved_aside_with_what_is_in_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "work").touch()
    (aside,) = prepare(tmp_path)
    assert (tmp_path / aside / "work").exists()
    assert is_prepared(tmp_path)


@pytest.mark.parametrize("name", [*FILES, FRAGMENTS])
@pytest.mark.parametrize("plant", ["file", "folder", "nothing", "fifo", "hard link"])
def test_traps_are_taken_away_and_what_they_led_to_is_as_it_was(
    tmp_path: Path, outside: Path, name: str, plant: str
) -> None:
    agent = tmp_path / "agent"
    agent.mkdir()
    empty = outside.with_name("empty")
    empty.touch()
    match plant:
        case "file":
            (agent / name).symlink_to(outside)
        case "folder":
            (agent / name).symlink_to(outside.parent)
        case "nothing":
            (agent / name).symlink_to(outside.with_name("new"))
        case "fifo":
            os.mkfifo(agent / name)
        case _:
            (agent / name).hardlink_to(empty)
    prepare(agent)
    assert is_prepared(agent)
    assert outside.read_text() == "precious"
    assert sorted(path.name for path in outside.parent.iterdir()) == ["empty", "secret"]


def test_an_agent_that_is_faster_ends_the_start_and_changes_nothing_outside(tmp_path: Path, outside: Path) -> None:
    agent = tmp_path / "agent"
    agent.mkdir()
    done = threading.Event()

    def plant() -> None:
        while not done.is_set():
            try:
                (agent / "new").symlink_to(outside)
                (agent / "new").replace(agent / "CLAUDE.md")
            except OSError:
                continue

    racer = threading.Thread(target=plant)
    racer.start()
    try:
        for _ in range(200):
            with suppress(SandboxError):
                prepare(agent)
    finally:
        done.set()
        racer.join()
    assert outside.read_text() == "precious"
    prepare(agent)
    assert is_prepared(agent)

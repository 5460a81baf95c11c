"""AT-17: a program is read out of a hostile folder as a plain file, whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nanoclaw.core.mcp_programs import MOST_PROGRAM, MOST_PROGRAMS, Named, NoProgram, NotThere, Reading
from nanoclaw.link.programs import read_programs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_bytes(b"the host's own")
    (tmp_path / "agent" / "bin").mkdir(parents=True)
    return tmp_path / "agent"


def a_file(path: str) -> Named:
    return Named(word="Argument 1", before="", folder=0, path=tuple(path.split("/")), surely=True)


def read(folder: Path, path: str) -> Reading:
    return read_programs((folder,), (a_file(path),))[a_file(path)]


def test_a_plain_file_is_read_whole(folder: Path) -> None:
    (folder / "bin" / "a.py").write_bytes(b"x" * MOST_PROGRAM)
    assert read(folder, "bin/a.py") == b"x" * MOST_PROGRAM


@pytest.mark.parametrize("path", ["a.py", "bin", "bin/a/b", "a.py/b"])
def test_what_is_not_there_or_a_folder_is_no_file(folder: Path, path: str) -> None:
    assert read(folder, path) == NotThere()
    assert read(folder / "gone", path) == NotThere()


def test_no_link_is_followed_wherever_it_stands(folder: Path) -> None:
    (folder / "a.py").symlink_to(folder.parent / "secret")
    (folder / "up").symlink_to(folder.parent)
    os.link(folder.parent / "secret", folder / "hard.py")
    assert read(folder, "a.py") == NoProgram("it is a link")
    assert read(folder, "up/secret") == NotThere()
    assert read(folder, "hard.py") == NoProgram("it has another name elsewhere")


def test_nothing_is_waited_for_and_nothing_too_large_is_read(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with (folder / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert read(folder, "pipe") == NoProgram("it is no plain file")
    assert read(folder, "sparse") == NoProgram("it is larger than 256 KiB")
    assert read(folder, "n" * 300) == NoProgram("that is no name of a file")


def test_no_more_is_read_than_a_server_can_have(folder: Path) -> None:
    names = [a_file(f"{number}.py") for number in range(MOST_PROGRAMS + 5)]
    for name in names:
        (folder / name.name).write_bytes(b"")
    found = read_programs((folder,), names)
    assert sum(isinstance(one, bytes) for one in found.values()) == MOST_PROGRAMS + 1
    assert isinstance(found[names[-1]], NoProgram)

"""Files in a chat: what a typed line means, which files can be sent, and where those that come are saved."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nanoclaw.channels.terminal.frames import ShownFile
from nanoclaw.cli.chat_files import WithFile, check, read_line, saved
from nanoclaw.errors import UsageError
from schema.files import MOST_FILE_BYTES, MOST_FILES


@pytest.mark.parametrize(
    ("line", "means"),
    [
        ("hello", "hello"),
        ("/files are fun", "/files are fun"),
        ("see /file a", "see /file a"),
        ("/file a.txt", WithFile(Path("a.txt"), "")),
        ("/file a.txt don't lose it\n", WithFile(Path("a.txt"), "don't lose it")),
        ('/file "my file.txt" look', WithFile(Path("my file.txt"), "look")),
        ("/file 'my file.txt'", WithFile(Path("my file.txt"), "")),
        ("/file my\\ file.txt look", WithFile(Path("my file.txt"), "look")),
        ("/file ~/a.txt", WithFile(Path("~/a.txt").expanduser(), "")),
    ],
)
def test_what_a_line_means(line: str, means: object) -> None:
    assert read_line(line) == means


@pytest.mark.parametrize("line", ["/file", "/file\n", "/file  "])
def test_a_file_without_a_path_is_asked_for(line: str) -> None:
    with pytest.raises(UsageError, match="which file"):
        read_line(line)


def test_what_can_be_sent_and_what_cannot(tmp_path: Path) -> None:
    good, large = tmp_path / "good", tmp_path / "large"
    for path, size in ((good, MOST_FILE_BYTES), (large, MOST_FILE_BYTES + 1)):
        with path.open("wb") as file:
            file.truncate(size)
    os.mkfifo(tmp_path / "pipe")
    check([good] * MOST_FILES)
    for paths, why in (
        ([good] * (MOST_FILES + 1), "at most 10"),
        ([good, large], "larger than 25 MiB"),
        ([tmp_path], "is not a file"),
        ([tmp_path / "pipe"], "is not a file"),
        ([tmp_path / "none"], "No such file"),
    ):
        with pytest.raises(UsageError, match=why):
            check(paths)


def shown(path: Path, name: str, data: bytes = b"bytes") -> ShownFile:
    path.write_bytes(data)
    return ShownFile(name=name, size=len(data), path=str(path))


async def test_files_are_saved_where_the_person_is_and_overwrite_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    file = shown(tmp_path / "x", "a.tar.gz")
    assert await saved([file, file]) == [
        f"file: a.tar.gz (5 B) saved to {here / 'a.tar.gz'}",
        f"file: a.tar.gz (5 B) saved to {here / 'a.tar (2).gz'}",
    ]
    assert {path.read_bytes() for path in here.iterdir()} == {b"bytes"}


async def test_a_name_leads_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (line,) = await saved([shown(tmp_path / "x", "../\u202eevil")])
    assert line.endswith(str(here / "_evil"))
    assert [path.name for path in here.iterdir()] == ["_evil"]


async def test_where_nothing_can_be_written_the_file_is_saved_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(elsewhere))
    file = shown(tmp_path / "x", "a")
    monkeypatch.chdir("/proc/self")
    assert await saved([file]) == [f"file: a (5 B) saved to {elsewhere / 'a'}"]
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "none"))
    (line,) = await saved([file])
    assert line.startswith("file: a (5 B) could not be saved: ")


async def test_a_file_that_the_host_has_forgotten_is_said_to_be_gone(tmp_path: Path) -> None:
    file = ShownFile(name="a", size=1, path=str(tmp_path / "none"))
    assert await saved([file]) == ["file: a (1 B) could not be read: No such file or directory"]

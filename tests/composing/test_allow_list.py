"""The allow-list is believed only if nobody but the operator can have written it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nanoclaw.composing.allow_list import MOST_BYTES, read_allow_list
from nanoclaw.core.mounts import AllowList, NoAllowList, Root
from tests.composing.conftest import OTHER, may_give_files_away

TEXT = """
blocked = ["customers", "~/letters", "/srv/books"]

[[roots]]
path = "~/projects"
read_write = true
shared = true

[[roots]]
path = "/srv/disks/"
submounts = true
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The operator's file, in their home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "config" / "mounts.toml"
    path.parent.mkdir(mode=0o700)
    path.write_text(TEXT)
    path.chmod(0o600)
    return path


def why(path: Path, *mounted: Path) -> str:
    found = read_allow_list(path, mounted=mounted)
    assert isinstance(found, NoAllowList)
    return found.why


def test_roots_and_blocked_names_and_places_are_read(file: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "projects").symlink_to("elsewhere")
    found = read_allow_list(file, mounted=[tmp_path / "home"])
    assert isinstance(found, AllowList)
    assert found.roots == (
        Root(path=f"{tmp_path}/elsewhere", read_write=True, shared=True),
        Root(path="/srv/disks", submounts=True),
    )
    assert found.names == ("customers",)
    assert found.places == (f"{tmp_path}/letters", "/srv/books")
    assert len(found.digest) == 64
    file.write_text(TEXT + "\n")
    again = read_allow_list(Path("~/config/mounts.toml"), mounted=[])
    assert isinstance(again, AllowList)
    assert again.digest != found.digest


def test_a_file_that_is_not_there_allows_nothing(file: Path) -> None:
    file.unlink()
    assert why(file) == f"there is no {file}"


def test_an_empty_file_allows_nothing_and_is_no_error(file: Path) -> None:
    file.write_text("")
    assert read_allow_list(file, mounted=[]) == AllowList(
        digest="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("roots =", "is not TOML"),
        ("other = 1", "other"),
        ('[[roots]]\npath = "projects"', "not an absolute path: 'projects'"),
        ('[[roots]]\npath = ""', "not a str"),
        ("[[roots]]\nread_write = true", "path"),
        ('[[roots]]\npath = "/a"\nread_write = "yes"', "not a bool: 'yes'"),
        ('[[roots]]\npath = "/a"\nmode = "rw"', "mode"),
        ("blocked = [1]", "not a str: 1"),
        ('blocked = [""]', "not a str: ''"),
        ('blocked = "x"', "not a list: 'x'"),
        ("roots = {}", "not a list"),
        ("roots = [1]", "roots"),
        ("#" * (MOST_BYTES + 1), "larger than"),
    ],
)
def test_a_file_that_makes_no_sense_allows_nothing_and_says_why(file: Path, text: str, reason: str) -> None:
    file.write_text(text)
    assert reason in why(file)


def test_a_file_that_is_no_text_allows_nothing(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    assert "is not TOML" in why(file)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_not_believed(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert f"others may write it: chmod go-w {file}" in why(file)


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_file_in_a_folder_that_others_may_write_is_not_believed(file: Path, mode: int) -> None:
    file.parent.chmod(mode)
    assert f"chmod go-w {file.parent}" in why(file)


def test_a_file_that_sandboxes_see_is_not_believed(file: Path, tmp_path: Path) -> None:
    assert "which sandboxes see" in why(file, tmp_path / "groups", file.parent)
    (tmp_path / "link").symlink_to(file)
    assert "which sandboxes see" in why(tmp_path / "link", file.parent)


@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_what_is_no_file_is_not_believed(file: Path, kind: str) -> None:
    file.unlink()
    if kind == "folder":
        file.mkdir()
    else:
        os.mkfifo(file)
    assert "not a file" in why(file)


def test_a_file_of_somebody_else_is_not_believed(file: Path) -> None:
    if not may_give_files_away():
        # Whoever cannot make one can be given one: the machine's own.
        assert "does not belong to the user" in why(Path("/etc/hostname"))
        return
    os.chown(file, OTHER.uid, OTHER.gid)
    assert "does not belong to the user" in why(file)
    os.chown(file, 0, 0)
    os.chown(file.parent, OTHER.uid, OTHER.gid)
    assert f"{file.parent} belongs to somebody else" in why(file)

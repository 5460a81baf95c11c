"""Removing what a stranger left behind."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from nanoclaw.link.removal import remove_tree


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """A folder beside the one to remove; nothing may have changed in it."""
    folder = tmp_path / "canary"
    (folder / "inner").mkdir(parents=True)
    (folder / "file").write_text("precious")
    yield folder
    assert sorted(path.name for path in folder.iterdir()) == ["file", "inner"]
    assert (folder / "file").read_text() == "precious"
    assert (folder / "file").stat().st_nlink == 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def descriptors() -> list[int]:
    return [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]


def test_everything_below_goes(folder: Path) -> None:
    (folder / "a" / "b" / "c").mkdir(parents=True)
    (folder / "a" / "file").touch()
    (folder / "a" / "b" / "file").touch()
    remove_tree(folder)
    assert not folder.exists()
    remove_tree(folder)


def test_links_go_and_what_they_lead_to_stays(folder: Path, canary: Path) -> None:
    (folder / "to-folder").symlink_to(canary)
    (folder / "to-file").symlink_to(canary / "file")
    (folder / "to-nothing").symlink_to("nowhere")
    (folder / "to-itself").symlink_to("to-itself")
    (folder / "sub").mkdir()
    (folder / "sub" / "to-folder").symlink_to(canary)
    remove_tree(folder)
    assert not folder.exists()


def test_a_link_in_the_folders_place_goes_as_it_is(tmp_path: Path, canary: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(canary)
    remove_tree(link)
    assert not link.is_symlink()


def test_what_is_no_file_goes_too(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    os.mknod(folder / "socket", stat.S_IFSOCK | 0o600)
    remove_tree(folder)
    assert not folder.exists()


def test_names_of_any_kind_go(folder: Path) -> None:
    for name in (b"-rf", b"\xff\xfe", b"\n", b"x" * 255, b" "):
        fd = os.open(os.fsencode(folder) + b"/" + name, os.O_CREAT | os.O_WRONLY)
        os.close(fd)
    remove_tree(folder)
    assert not folder.exists()


def test_a_folder_nested_deeper_than_recursion_goes_goes_with_few_descriptors(folder: Path) -> None:
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(1_500):
        os.mkdir("d", dir_fd=here)
        os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        deeper = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = descriptors()
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(used) + 6, most[1]))
    try:
        remove_tree(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
    assert not folder.exists()
    assert len(descriptors()) == len(used)


def test_folders_without_permissions_go(folder: Path) -> None:
    (folder / "a" / "b" / "c").mkdir(parents=True)
    (folder / "a" / "b" / "file").touch()
    for path in (folder / "a" / "b" / "c", folder / "a" / "b", folder / "a", folder):
        path.chmod(0)
    remove_tree(folder)
    assert not folder.exists()


def test_a_file_in_the_folders_place_goes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    remove_tree(file)
    assert not file.exists()

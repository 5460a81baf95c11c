"""Folders of builds: each goes with whoever uses it, and what a dead host left goes with the next."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import trio

from nanoclaw.sandboxes.build_folder import OLD_SECONDS, PREFIX, build_folder, remove_left_behind

HOLDS = """
import sys, trio
from nanoclaw.sandboxes.build_folder import build_folder
async def main():
    async with build_folder() as folder:
        print(folder, flush=True)
        sys.stdin.read()
trio.run(main)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def names(place: Path) -> set[str]:
    """What is there."""
    return {path.name for path in place.iterdir()}


async def one_build() -> None:
    """Make and use a folder."""
    async with build_folder():
        pass


def age(path: Path) -> None:
    """Make it as old as one that can be left behind."""
    long_ago = path.stat().st_mtime - 2 * OLD_SECONDS
    os.utime(path, (long_ago, long_ago))


async def test_it_goes_with_its_user_and_two_do_not_meet(place: Path) -> None:
    async with build_folder() as one:
        (one / "context.tar").write_bytes(b"x")
        age(one)
        async with build_folder() as other:
            assert one != other
            assert one.name in names(place), "it is in use, however old it is"
    assert names(place) == set()


def test_what_a_killed_process_left_behind_goes_with_the_next_build_and_nothing_else_does(place: Path) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLDS], stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        left = Path(holder.stdout.readline().strip())
        age(left)
        remove_left_behind(place)
        assert left.is_dir(), "its user lives"
        holder.kill()
    assert left.is_dir()
    elsewhere, young = place / "somebody-else", place / f"{PREFIX}young"
    for path in (elsewhere, young):
        path.mkdir()
    age(elsewhere)
    target = place / "precious"
    target.mkdir()
    link = place / f"{PREFIX}link"
    link.symlink_to(target)
    os.utime(link, (0, 0), follow_symlinks=False)
    trio.run(one_build)
    assert names(place) == {elsewhere.name, young.name, target.name, link.name}

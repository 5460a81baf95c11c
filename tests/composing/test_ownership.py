"""A folder changes hands with all that is in it, links as links, and only once."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from nanoclaw.composing.handles import folder
from nanoclaw.composing.ownership import MOST_DEPTH, hand_over
from nanoclaw.model.sandbox import Owner
from tests.composing.conftest import OTHER, may_give_files_away

SELF = Owner(os.geteuid(), os.getegid())


def owner(path: Path) -> Owner:
    status = path.lstat()
    return Owner(status.st_uid, status.st_gid)


def tree(top: Path, outside: Path) -> list[Path]:
    """A folder with one of everything; returns what is in it."""
    inner = top / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    (inner / "link").symlink_to(outside)
    (top / "folder-link").symlink_to(outside.parent)
    os.mkfifo(top / "fifo")
    return [top, *top.rglob("*")]


def test_everything_changes_hands_and_nothing_that_links_lead_to(tmp_path: Path, outside: Path) -> None:
    top = tmp_path / "top"
    paths = tree(top, outside)
    with folder(top) as held:
        if not may_give_files_away():
            with pytest.raises(PermissionError):
                hand_over(held, OTHER)
            assert owner(top) == SELF
            return
        hand_over(held, OTHER)
    assert {owner(path) for path in paths} == {OTHER}
    assert owner(outside) == owner(outside.parent) == SELF


def test_what_is_its_owners_already_is_not_looked_through_again(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with folder(tmp_path) as held:
        hand_over(held, SELF)
        if may_give_files_away():
            os.chown(tmp_path / "file", OTHER.uid, OTHER.gid)
            hand_over(held, SELF)
            assert owner(tmp_path / "file") == OTHER


def test_a_change_that_was_cut_short_begins_anew(tmp_path: Path) -> None:
    deepest = tmp_path.joinpath(*"abcdefghij")
    deepest.mkdir(parents=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with folder(tmp_path) as held:
        # Some folders down there is no descriptor left.
        resource.setrlimit(resource.RLIMIT_NOFILE, (held + 6, hard))
        try:
            with pytest.raises(OSError, match=r"Too many open files|not permitted"):
                hand_over(held, OTHER)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert owner(tmp_path) == SELF
        if may_give_files_away():
            hand_over(held, OTHER)
            assert {owner(path) for path in (tmp_path, *tmp_path.rglob("*"))} == {OTHER}


def test_what_is_nested_too_deep_stays_whose_it_was(tmp_path: Path) -> None:
    deepest = tmp_path.joinpath(*["d"] * (MOST_DEPTH + 3))
    deepest.mkdir(parents=True)
    with folder(tmp_path) as held:
        if not may_give_files_away():
            with pytest.raises(PermissionError):
                hand_over(held, OTHER)
            return
        hand_over(held, OTHER)
    assert owner(tmp_path.joinpath(*["d"] * (MOST_DEPTH + 1))) == OTHER
    assert owner(deepest) == SELF

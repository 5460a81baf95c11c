"""Names of files in the folder of their message: one component each, and all different."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.file_names import MOST_NAME_BYTES, NAMELESS, file_names


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a.txt", "a.txt", "a.txt"], ("a.txt", "2-a.txt", "3-a.txt")),
        (["a", "2-a", "a"], ("a", "2-a", "3-a")),
        (["/tmp/report.pdf", "../x"], ("report.pdf", "x")),
        (["", ".", "..", "folder/"], (NAMELESS, "2-file", "3-file", "4-file")),
        (["a\nb\0c"], ("a?b?c",)),
        (["é" * 300], ("é" * (MOST_NAME_BYTES // 2),)),
    ],
)
def test_names(names: list[str], found: tuple[str, ...]) -> None:
    assert file_names(names) == found


@given(st.lists(st.text(max_size=300) | st.sampled_from(["a", "2-a", ""]), max_size=10))
def test_every_name_can_be_one_of_a_file_and_no_two_are_alike(names: list[str]) -> None:
    found = file_names(names)
    assert len(set(found)) == len(names)
    for name in found:
        assert name not in ("", ".", "..")
        assert "/" not in name
        assert len(os.fsencode(name)) <= 255

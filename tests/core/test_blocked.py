"""Blocked names and places: by component, in both directions, however they are spelt."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.blocked import (
    NAMES,
    PLACES,
    blocked_last,
    blocked_name,
    fold,
    is_inside,
    meets,
    places_of,
)

EXAMPLES = {pattern: pattern.replace("*", "x") for pattern in NAMES}
names = st.text(st.sampled_from("abAB.-é\u0301 ẞß"), min_size=1, max_size=4).filter(
    lambda name: name not in {".", ".."}
)
paths = st.lists(names, max_size=4).map(lambda parts: "/" + "/".join(parts))


@pytest.mark.parametrize("pattern", NAMES)
def test_every_pattern_blocks_what_it_names_and_all_below_it(pattern: str) -> None:
    name = EXAMPLES[pattern]
    for path in (f"/home/ada/{name}", f"/home/ada/{name}/deep/er", f"/{name}"):
        assert blocked_name(path) is not None
        assert blocked_name(path.upper()) is not None
        assert blocked_name(unicodedata.normalize("NFD", path)) is not None
    assert blocked_last(f"/home/ada/{name}") is not None
    assert blocked_last(f"/home/ada/{name}/notes.txt") is None


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/home/ada/projects",
        "/home/ada/my.environment-notes",
        "/home/ada/ssh",
        "/home/ada/.sshd",
        "/home/ada/environment",
        "/home/ada/.config",
        "/home/ada/.config/nvim",
        "/home/ada/gcloud/.config",
        "/home/ada/my-credentials",
        "/home/ada/keys",
        "/home/ada/Library",
        "/home/ada/id",
    ],
)
def test_a_name_that_only_contains_a_pattern_is_not_blocked(path: str) -> None:
    assert blocked_name(path) is None
    assert blocked_last(path) is None


@pytest.mark.parametrize("path", ["/a/KÜCHE", "/a/küche", "/a/ku\u0308che", "/a/KU\u0308CHE/b"])
def test_names_are_the_same_however_accents_and_capitals_are_written(path: str) -> None:
    assert blocked_name(path, ["Küche"]) == "Küche"


@pytest.mark.parametrize("place", PLACES)
def test_a_place_is_met_from_inside_from_outside_and_by_itself(place: str) -> None:
    assert meets(place, [place]) == place
    assert meets(f"{place}/below", [place]) == place
    assert meets(place.rpartition("/")[0] or "/", [place]) == place
    assert meets("/", [place]) == place
    assert meets(f"{place}-not", [place]) is None
    assert meets("/srv/data", PLACES) is None


def test_where_a_user_keeps_keys_is_known_before_there_are_any() -> None:
    places = places_of("/home/ada/")
    assert {"/home/ada/.ssh", "/home/ada/.config/gcloud", "/home/ada/Library/Keychains"} <= set(places)
    assert all(not set(place) & set("*?[") for place in places)
    assert meets("/home/ada", places) is not None
    assert meets("/home/ada/.config", places) is not None
    assert meets("/home/ada/projects", places) is None


@given(paths, paths, st.booleans())
def test_inside_is_a_prefix_by_component(inner: str, outer: str, folds: bool) -> None:
    def spelt(path: str) -> str:
        return (fold(path) if folds else path).rstrip("/") + "/"

    assert is_inside(inner, outer, folds=folds) == spelt(inner).startswith(spelt(outer))


@given(paths, names, st.lists(names, max_size=2))
def test_spelling_never_changes_what_is_blocked(path: str, pattern: str, more: list[str]) -> None:
    whole = "/".join([path.rstrip("/"), pattern, *more])
    for spelt in (whole, whole.upper(), unicodedata.normalize("NFD", whole), unicodedata.normalize("NFC", whole)):
        assert blocked_name(spelt, [pattern]) == pattern
        assert meets(spelt, [f"{path.rstrip('/')}/{pattern}"]) is not None


@given(names)
def test_folding_twice_is_folding_once(name: str) -> None:
    assert fold(fold(name)) == fold(name)

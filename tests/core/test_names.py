"""What somebody typed, and which one they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.names import Ambiguous, Found, Meaning, Named, Nobody, find, is_folder

FAMILY = Named("agt-1a", ("Family", "family"))
FAMILIAR = Named("agt-1b", ("Familiar", "cat"))
OPS = Named("agt-2", ("Ops", "ops"))
KNOWN = (FAMILY, FAMILIAR, OPS)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("agt-2", Found("agt-2")),
        ("ops", Found("agt-2")),
        ("OPS", Found("agt-2")),
        ("o", Found("agt-2")),
        ("family", Found("agt-1a")),
        ("agt-1b", Found("agt-1b")),
        ("agt-1", Ambiguous((FAMILY, FAMILIAR))),
        ("fam", Ambiguous((FAMILY, FAMILIAR))),
        ("AGT-2", Nobody(())),
        ("0ps", Nobody(("Ops",))),
        ("", Nobody(())),
    ],
)
def test_a_whole_id_or_name_wins_over_a_beginning_and_a_beginning_has_to_be_the_only_one(
    typed: str, meant: Meaning
) -> None:
    assert find(typed, KNOWN) == meant


def test_two_of_the_same_name_are_told_apart_by_nothing_but_their_ids() -> None:
    twins = (Named("a", ("Home",)), Named("b", ("Home",)))
    assert find("home", twins) == Ambiguous(twins)
    assert find("b", twins) == Found("b")


@given(st.lists(st.builds(Named, st.text(min_size=1), st.tuples(st.text())), unique_by=lambda one: one.id))
def test_every_one_is_found_by_its_whole_id_whatever_the_others_are_called(known: list[Named]) -> None:
    for one in known:
        assert find(one.id, known) == Found(one.id)


@given(st.text(), st.lists(st.builds(Named, st.text(min_size=1), st.tuples(st.text())), unique_by=lambda one: one.id))
def test_only_one_that_was_named_is_ever_found(typed: str, known: list[Named]) -> None:
    match find(typed, known):
        case Found(one):
            found = next(named for named in known if named.id == one)
            spelt = [name.casefold() for name in found.names]
            assert found.id.startswith(typed) or any(name.startswith(typed.casefold()) for name in spelt)
        case Ambiguous(among):
            assert len(among) > 1
        case Nobody(close):
            assert len(close) <= 3


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("main", True),
        ("family-2", True),
        ("a_b", True),
        ("7", True),
        ("", False),
        ("-a", False),
        ("..", False),
        ("a/b", False),
        ("Main", False),
        ("a\n", False),
        ("é", False),
        ("a" * 63, True),
        ("a" * 64, False),
    ],
)
def test_a_folder_is_one_plain_name(name: str, fits: bool) -> None:
    assert is_folder(name) is fits

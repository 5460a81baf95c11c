"""Names, contents and bases of images, as decided."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.images import (
    INSTALL_MMDEBSTRAP,
    LOCAL_BASE,
    REGISTRY_BASE,
    Base,
    ImageId,
    Known,
    Make,
    NoBase,
    Pull,
    Use,
    base_configuration,
    choose_base,
    group_current,
    group_repository,
    group_tag,
    local_base,
)
from nanoclaw.core.packages import KINDS, Packages, is_name, written
from nanoclaw.model.ids import AgentGroupId

BASE = ImageId("sha256:" + "0" * 64)
BOTH = {REGISTRY_BASE, LOCAL_BASE}
REPOSITORY = re.compile(r"nanoclaw/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
"""What an engine takes as the name of a repository, after its reference grammar."""


def names(kind: str) -> st.SearchStrategy[tuple[str, ...]]:
    alphabet = st.text(st.sampled_from("ab01+.-_@/"), min_size=1, max_size=6).filter(lambda name: is_name(kind, name))
    return st.lists(alphabet, max_size=3, unique=True).map(tuple)


PACKAGES = st.fixed_dictionaries({kind: names(kind) for kind in KINDS}).map(lambda found: Packages(**found))


@pytest.mark.parametrize(
    ("known", "base"),
    [
        (Known(can_make=False), Pull(REGISTRY_BASE)),
        (Known(can_make=True), Pull(REGISTRY_BASE)),
        (Known(can_make=True, tried={REGISTRY_BASE}), Make(LOCAL_BASE)),
        (Known(can_make=True, tried={REGISTRY_BASE}, got={LOCAL_BASE}), Use(LOCAL_BASE, local=True)),
        (Known(can_make=False, got={REGISTRY_BASE}), Use(REGISTRY_BASE, local=False)),
        (Known(can_make=False, present=BOTH), Use(REGISTRY_BASE, local=False)),
        (Known(can_make=False, present={LOCAL_BASE}), Use(LOCAL_BASE, local=True)),
        (Known(can_make=True, present=BOTH, anew=True), Pull(REGISTRY_BASE)),
        (Known(can_make=True, present={LOCAL_BASE}, anew=True, tried={REGISTRY_BASE}), Make(LOCAL_BASE)),
        (Known(can_make=False, present={LOCAL_BASE}, anew=True, tried={REGISTRY_BASE}), Use(LOCAL_BASE, local=True)),
        (Known(can_make=True, present=BOTH, anew=True, tried=BOTH), Use(REGISTRY_BASE, local=False)),
        (Known(can_make=True, asked="mine:1", present=BOTH), Pull("mine:1")),
        (Known(can_make=True, asked="mine:1", present={"mine:1"}), Use("mine:1", local=False)),
        (Known(can_make=True, asked="mine:1", present={"mine:1"}, anew=True), Pull("mine:1")),
        (
            Known(can_make=True, asked="mine:1", present={"mine:1"}, anew=True, tried={"mine:1"}),
            Use("mine:1", local=False),
        ),
        (Known(can_make=True, asked=LOCAL_BASE, present={REGISTRY_BASE}), Make(LOCAL_BASE)),
        (Known(can_make=True, asked="my", local="my"), Make("my")),
    ],
)
def test_the_next_step_to_a_base_follows_from_what_is_known(known: Known, base: Base) -> None:
    assert choose_base(known) == base


@pytest.mark.parametrize(
    ("known", "why", "mend"),
    [
        (Known(can_make=False, tried={REGISTRY_BASE}), "without mmdebstrap", INSTALL_MMDEBSTRAP),
        (Known(can_make=False, asked=LOCAL_BASE), "without mmdebstrap", INSTALL_MMDEBSTRAP),
        (Known(can_make=True, tried=BOTH), "could not be made", "images/base/make"),
        (Known(can_make=True, asked="mine:1", tried={"mine:1"}), "does not have mine:1", ""),
    ],
)
def test_where_there_is_no_base_it_is_said_why_and_what_mends_it(known: Known, why: str, mend: str) -> None:
    found = choose_base(known)
    assert isinstance(found, NoBase)
    assert why in found.why
    assert found.mend == mend


@given(
    asked=st.none() | st.sampled_from(["mine:1", LOCAL_BASE, REGISTRY_BASE]),
    present=st.sets(st.sampled_from(["mine:1", LOCAL_BASE, REGISTRY_BASE])),
    answers=st.sets(st.sampled_from(["mine:1", LOCAL_BASE, REGISTRY_BASE])),
    anew=st.booleans(),
    can_make=st.booleans(),
)
def test_whatever_answers_the_choice_comes_to_an_end_and_uses_what_is_there(
    asked: str | None, present: set[str], answers: set[str], anew: bool, can_make: bool
) -> None:
    got: set[str] = set()
    tried: set[str] = set()
    for _ in range(4):
        base = choose_base(
            Known(asked=asked, present=present | got, anew=anew, can_make=can_make, got=got, tried=tried)
        )
        match base:
            case Use(used, local):
                assert used in present | got
                assert asked in (None, used)
                assert local == (used == LOCAL_BASE)
                return
            case Pull(wanted) | Make(wanted):
                assert wanted not in got | tried
                assert can_make or not isinstance(base, Make)
                (got if wanted in answers else tried).add(wanted)
            case NoBase():
                assert not present & ({asked} if asked else BOTH)
                return
    raise AssertionError("it goes on for ever")


def test_a_base_made_here_has_what_was_asked_for_under_a_name_of_its_own() -> None:
    assert local_base(browser=False, fonts=False) == (LOCAL_BASE, ())
    assert local_base(browser=True, fonts=False) == (f"{LOCAL_BASE}-browser", ("chromium",))
    assert local_base(browser=True, fonts=True) == (f"{LOCAL_BASE}-browser-fonts", ("chromium", "fonts-noto-cjk"))


@given(PACKAGES, PACKAGES)
def test_the_tag_says_what_is_in_the_image(one: Packages, other: Packages) -> None:
    group = AgentGroupId("agt-1")
    tags = [group_tag(group, BASE, packages) for packages in (one, other)]
    assert (tags[0] == tags[1]) == (written(one) == written(other))
    assert all(re.fullmatch(r"nanoclaw/group-agt-1:[0-9a-f]{12}", tag) for tag in tags)
    assert group_tag(group, ImageId("sha256:" + "1" * 64), one) != tags[0]


@given(st.text(min_size=1) | st.from_regex(r"[a-z0-9]{1,4}(-[a-z0-9]{1,4}){0,40}", fullmatch=True))
def test_every_agent_group_has_a_repository_that_an_engine_takes(group: str) -> None:
    repository = group_repository(AgentGroupId(group))
    assert REPOSITORY.fullmatch(repository)
    assert len(repository) < 128
    assert group_current(AgentGroupId(group)) == f"{repository}:current"


def test_agent_groups_whose_ids_cannot_be_in_a_name_do_not_share_a_repository() -> None:
    assert group_repository(AgentGroupId("agt-01h")) == "nanoclaw/group-agt-01h"
    assert group_repository(AgentGroupId("A")) != group_repository(AgentGroupId("a"))


def test_the_same_files_are_the_same_base_image() -> None:
    layer = hashlib.sha256(b"files").hexdigest()
    found = base_configuration(layer, "amd64", recipe="1")
    assert found == base_configuration(layer, "amd64", recipe="1")
    assert found != base_configuration(layer, "amd64", recipe="2")
    assert f'"sha256:{layer}"'.encode() in found

"""What `repair` decides, kind by kind: every kind has a step, and the evidence decides where it must."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.promises import Broken, Problem
from nanoclaw.core.repair import (
    OUT,
    ByHand,
    Change,
    Mend,
    MendRow,
    NextStart,
    RebuildIndexes,
    SetAside,
    changes,
    given_up,
    judge,
    plan,
)


def problem(broken: Broken, where: str = "it", evidence: str = "") -> Problem:
    """One of that kind."""
    return Problem(what=broken.value, where=where, mend="", evidence=evidence)


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (problem(Broken.DAMAGED, "wrong # of entries in index inbound_open"), RebuildIndexes),
        (problem(Broken.DAMAGED, "Tree 3 page 7: btreeInitPage() returns error code 11"), ByHand),
        (problem(Broken.DANGLING), ByHand),
        (problem(Broken.LOST_FILE, evidence=OUT), NextStart),
        (problem(Broken.LOST_FILE), MendRow),
        (problem(Broken.LEFT_OPEN), NextStart),
        (problem(Broken.NO_ACTOR), ByHand),
        (problem(Broken.STRAY_SESSION), SetAside),
        (problem(Broken.UNHEARD), MendRow),
    ],
)
def test_what_becomes_of_each_kind(found: Problem, kind: type) -> None:
    assert type(judge(found)) is kind


@pytest.mark.parametrize("state", ["pending, settled", "sending, settled", "lost, settled", "lost, not settled", ""])
def test_what_may_have_been_sent_is_in_doubt(state: str) -> None:
    assert judge(problem(Broken.OUT_STATE, evidence=state)) == MendRow(
        how=Mend.DOUBT, problem=problem(Broken.OUT_STATE, evidence=state)
    )


@pytest.mark.parametrize("state", ["delivered", "dead", "unknown"])
def test_what_has_an_end_keeps_it(state: str) -> None:
    step = judge(problem(Broken.OUT_STATE, evidence=f"{state}, not settled"))
    assert isinstance(step, MendRow)
    assert step.how is Mend.KEEP_DECIDED


def test_only_a_link_is_made_anew_when_it_was_moved_aside() -> None:
    steps = [judge(problem(broken)) for broken in Broken]
    anew = [step.problem.what for step in steps if isinstance(step, SetAside) and step.anew]
    assert anew == [Broken.BROKEN_LINK.value]


@given(st.lists(st.builds(problem, st.sampled_from(Broken), st.sampled_from("abc"), st.sampled_from(["", OUT]))))
def test_every_problem_has_one_step_and_what_did_not_help_is_for_a_person(found: list[Problem]) -> None:
    steps = plan(found)
    assert {step.problem for step in steps} == set(found)
    assert len(steps) == len(set(found))
    again = given_up(steps, frozenset(changes(steps)))
    assert not any(isinstance(step, Change) for step in again)
    assert [step.problem for step in again] == [step.problem for step in steps]

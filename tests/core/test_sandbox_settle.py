"""Whose is the container that already has the name?"""

from __future__ import annotations

import attrs
import pytest

from nanoclaw.core.sandbox_settle import Labels, RemoveFirst, Stranger, TakeUp, judge_found
from nanoclaw.core.sandbox_spec import spec_digest
from nanoclaw.model.ids import EpochNumber, SessionId
from tests.support.inspected import a_spec

SPEC = a_spec()
OURS = Labels(install=SPEC.install, session=SPEC.session, epoch=SPEC.epoch, spec=spec_digest(SPEC))


def test_the_one_that_is_wanted_is_taken_up() -> None:
    assert judge_found(SPEC, OURS) == TakeUp()


@pytest.mark.parametrize("epoch", [1, 2, 4, None])
def test_any_other_life_of_the_session_is_over(epoch: int | None) -> None:
    found = judge_found(SPEC, attrs.evolve(OURS, epoch=None if epoch is None else EpochNumber(epoch)))
    assert found == RemoveFirst(f"left over from epoch {epoch}")


def test_the_same_life_with_other_settings_is_not_what_is_wanted() -> None:
    assert isinstance(judge_found(SPEC, attrs.evolve(OURS, spec="0815")), RemoveFirst)


@pytest.mark.parametrize(
    "labels",
    [Labels(), attrs.evolve(OURS, install="other"), attrs.evolve(OURS, session=SessionId("other"))],
    ids=["nobody's", "another-home's", "another-session's"],
)
def test_what_is_not_ours_is_left_alone_and_its_owner_is_told_how(labels: Labels) -> None:
    found = judge_found(SPEC, labels)
    assert isinstance(found, Stranger)
    assert f"docker rm --force {SPEC.name}" in found.why

"""What became of a request is told in a row whose id says of which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.requests import ACTIONS, NAMES, refusal_key, result_key, row_noted

IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.uuids(), st.integers(1, 2**53), IDS)
def test_a_note_about_a_row_names_it(session: object, epoch: int, runner_id: str) -> None:
    for key in (result_key, refusal_key):
        assert row_noted(f"note:{key(f'sess-{session}', epoch, runner_id)}") == (epoch, runner_id)


@pytest.mark.parametrize(
    "row_id", ["", "evt-1", "answer-q", "note:failed:evt-1", "note:asked:s/0/out-1", "note:asked:s/1"]
)
def test_other_rows_are_notes_about_none(row_id: str) -> None:
    assert row_noted(row_id) is None


def test_every_action_has_one_name() -> None:
    assert {NAMES[cls]: cls for cls in NAMES} == ACTIONS

"""Failures, unwrapped and on one line."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nanoclaw.kit.failures import LONGEST_LINE, one_line, sole


def test_groups_of_one_are_unwrapped_and_larger_ones_kept() -> None:
    inner = ValueError("boom")
    pair = ExceptionGroup("two", [inner, OSError("gone")])
    assert sole(ExceptionGroup("a", [ExceptionGroup("b", [inner])])) is inner
    assert sole(ExceptionGroup("a", [pair])) is pair


def test_every_failure_of_a_group_is_named() -> None:
    group = ExceptionGroup("a", [ValueError("boom"), ExceptionGroup("b", [OSError("gone")])])
    assert one_line(group) == "ValueError: boom; OSError: gone"


def test_a_failure_without_a_message_is_its_type() -> None:
    assert one_line(KeyError()) == "KeyError"


@settings(deadline=None)
@given(st.text(max_size=2000))
def test_no_message_can_break_the_line_or_reach_the_terminal(message: str) -> None:
    line = one_line(ValueError(message))
    assert line.isprintable()
    assert len(line) <= LONGEST_LINE

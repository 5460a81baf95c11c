"""Text on its way into a file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.core.text import one_line, storable

ANYTHING = st.text(st.characters(exclude_categories=()))


@given(ANYTHING)
def test_storable_text_can_be_written_and_is_otherwise_the_same(text: str) -> None:
    stored = storable(text)
    stored.encode()
    assert len(stored) == len(text)
    assert all(one == other or "\ud800" <= one <= "\udfff" for one, other in zip(text, stored, strict=True))


@given(ANYTHING, st.integers(0, 20))
def test_a_line_is_printable_and_not_too_long(text: str, most: int) -> None:
    line = one_line(text, most)
    assert line.isprintable()
    assert len(line) == min(len(text), most)


def test_what_can_be_shown_stays() -> None:
    assert one_line("naïve\ttool\n", 100) == "naïve?tool?"

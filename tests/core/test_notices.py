"""Strangers' text within the host's own sentences."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.notices import MOST_CHARACTERS, plain, visible

ANY_TEXT = st.text(st.characters(), max_size=400)  # surrogates, controls and unassigned ones as well


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as it is", "as it is"),
        ("Grüße, 日本 🙂", "Grüße, 日本 🙂"),
        ("  two\n\nlines\tand \x1b[31mred\x07 ", "two lines and [31mred"),
        ("a\u202ecod.exe", "a cod.exe"),  # bidi override
        ("x\u2028y\u2029z", "x y z"),  # line and paragraph separators
        ("t\U000e0041g", "t g"),  # tag character
        ("\ud800", ""),  # a lone surrogate
        ("zero\u200bwidth", "zero width"),
        ("", ""),
    ],
)
def test_text_from_strangers_becomes_one_line_without_hidden_characters(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_text_is_cut_only_where_it_is_too_long() -> None:
    assert plain("x" * MOST_CHARACTERS) == "x" * MOST_CHARACTERS
    assert plain("x" * (MOST_CHARACTERS + 1)) == "x" * (MOST_CHARACTERS - 1) + "…"


@given(ANY_TEXT, st.integers(1, 50))
def test_the_result_is_short_on_one_line_storable_and_plain_already(text: str, most: int) -> None:
    shown = plain(text, most)
    assert len(shown) <= most
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert len(shown.splitlines()) <= 1
    assert shown.encode().decode() == shown
    assert plain(shown, most) == shown


@given(ANY_TEXT)
def test_what_is_visible_keeps_its_length_its_lines_and_its_tabs_and_drives_no_terminal(text: str) -> None:
    shown = visible(text)
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert len(shown) == len(text)
    for before, after in zip(text, shown, strict=True):
        assert after == (" " if unicodedata.category(before) in hidden and before not in "\n\t" else before)

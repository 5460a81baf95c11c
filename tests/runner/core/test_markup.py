"""Tags that no text can pass for."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.markup import Element, read, write
from runner.errors import MarkupError

ANYTHING = st.text(st.characters(exclude_categories=()))
NAMES = st.text("abcdefgh_", min_size=1, max_size=6)
LEAVES = st.builds(Element, NAMES, st.dictionaries(NAMES, ANYTHING, max_size=3), text=st.one_of(st.none(), ANYTHING))
BRANCHES = st.builds(
    Element,
    NAMES,
    st.dictionaries(NAMES, ANYTHING, max_size=3),
    children=st.lists(LEAVES, min_size=1, max_size=3).map(tuple),
    text=ANYTHING,
)


@given(st.lists(st.one_of(LEAVES, BRANCHES), min_size=1, max_size=4))
def test_what_was_written_reads_as_it_was(elements: list[Element]) -> None:
    assert read(write(elements)) == tuple(elements)


MARKS = "\u061c\u200e\u200f"
"""Marks of direction that Unicode counts as letters of their direction."""
DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def is_unseen(character: str) -> bool:
    """A control, half of a pair, a line end that is no newline, a mark of direction or a tag character."""
    return (
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
        or unicodedata.bidirectional(character) in DIRECTIONS
        or character in MARKS
        or "\U000e0000" <= character <= "\U000e007f"
    )


def test_nothing_that_is_not_seen_gets_through_as_it_is() -> None:
    unseen = "".join(filter(is_unseen, map(chr, range(sys.maxunicode + 1))))
    assert len(unseen) > 2048 + 60
    written = write([Element("a", {"b": unseen}, text=unseen)])
    assert set(filter(is_unseen, written)) == {"\t", "\n"}
    assert read(written) == (Element("a", {"b": unseen}, text=unseen),)


@given(ANYTHING)
def test_no_text_makes_a_tag_or_ends_an_attribute(text: str) -> None:
    written = write([Element("a", {"b": text}, text=text)])
    assert written.count("<") == written.count(">") == written.count('"') == 2


@pytest.mark.parametrize(
    "unseen", ["\0", "\x1b", "\r", "\x9f", "\u202e", "\u2066", "\u200f", "\u2028", "\U000e0041", "\ud800"]
)
def test_controls_marks_of_direction_and_tags_are_spelt_out(unseen: str) -> None:
    assert f"&#x{ord(unseen):X};" in write([Element("a", {}, text=unseen)])


def test_emoji_and_joined_letters_stay_as_they_are() -> None:
    family = "👨\u200d👩\u200d👧"
    assert family in write([Element("a", {}, text=family)])


def test_a_line_break_stays_in_text_and_not_in_an_attribute() -> None:
    assert write([Element("a", {"b": "1\n2"}, text="1\n2")]) == '<a b="1&#xA;2">1\n2</a>'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "<a>",
        "<a></b>",
        "<a></a>\n",
        "<a></a><b></b>",
        "<a b='c'></a>",
        '<a b="&nbsp;"></a>',
        "<a>&</a>",
        "<a>&#x110000;</a>",
        "<a>&#65;</a>",
        "<a>\n<b />\n</a",
        "<a>\n<b />text</a>",
        "<a>\n<b>\n<c>\n<d />\n</c>\n</b>\n</a>",
    ],
)
def test_what_nobody_wrote_is_refused(text: str) -> None:
    with pytest.raises(MarkupError):
        read(text)

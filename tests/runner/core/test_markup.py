"""Tags that no text can pass for."""

from __future__ import annotations

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


@given(ANYTHING)
def test_text_and_attributes_show_nothing_that_is_not_seen(text: str) -> None:
    written = write([Element("a", {"b": text}, text=text)])
    assert all(c.isprintable() or c in "\n\t " or c in "\u200c\u200d" or _is_harmless(c) for c in written)
    assert written.count("<") == 2
    assert written.count('"') == 2


def _is_harmless(character: str) -> bool:
    """Not printable by Python's measure, but neither a control nor a mark that changes what is seen."""
    import unicodedata

    return unicodedata.category(character) in {"Zs", "Co", "Cn", "Cf"} and not (
        character in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
        or "\U000e0000" <= character <= "\U000e0fff"
    )


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

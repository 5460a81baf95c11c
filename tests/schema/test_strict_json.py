"""JSON from strangers: what is read, what is refused, and that nothing else ever happens."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schema.strict_json import MOST_BYTES, MOST_DEPTH, MOST_DIGITS, JsonError, depth, read

NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_what_json_can_write_is_read_back(value: object, ascii_only: bool) -> None:
    assert read(json.dumps(value, ensure_ascii=ascii_only)) == value


@given(st.text(max_size=60) | st.text('[]{}",:\\u0123d8 -.eE+', max_size=60))
@example('"\\ud800"')
@example('"\ud800"')
def test_no_text_raises_anything_but_the_one_error(text: str) -> None:
    try:
        value = read(text)
    except JsonError:
        return
    assert read(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON at character 0"),
        ("{", "not JSON at character 1"),
        ("[1] x", "not JSON at character 4"),
        ('{"a": 1, "a": 1}', "a key is given twice"),
        ('[{"b": {"a": 1, "a": 2}}]', "a key is given twice"),
        ("NaN", "NaN and Infinity are not JSON"),
        ("[-Infinity]", "NaN and Infinity are not JSON"),
        ("1e999", "a number too large"),
        ("-1e999", "a number too large"),
        ("1" * (MOST_DIGITS + 1), "a number of more than 25 digits"),
        ('"\\ud800"', "half of a surrogate pair"),
        ('{"\\udc00": 1}', "half of a surrogate pair"),
        ('{"a": ["\\ud83d"]}', "half of a surrogate pair"),
        ("[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1), "nested deeper than 32"),
        ('{"a":' * (MOST_DEPTH + 1), "nested deeper than 32"),
        ("[" * 200_000, "nested deeper than 32"),
        ('"' + "a" * MOST_BYTES + '"', "larger than 1048576 bytes"),
        ('"' + "\u00e9" * (MOST_BYTES // 2) + '"', "larger than 1048576 bytes"),
        ('"\t"', "not JSON at character 1"),
        ("\ufeff{}", "not JSON at character 0"),
    ],
)
def test_what_is_refused_is_refused_with_a_reason_that_quotes_nothing(text: str, why: str) -> None:
    with pytest.raises(JsonError) as caught:
        read(text)
    assert str(caught.value) == why


def test_limits_are_met_exactly() -> None:
    assert read("[" * MOST_DEPTH + "]" * MOST_DEPTH) is not None
    assert read("1" * MOST_DIGITS) == int("1" * MOST_DIGITS)
    assert read('"' + "a" * (MOST_BYTES - 2) + '"') == "a" * (MOST_BYTES - 2)
    assert read('"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_brackets_in_strings_are_not_depth() -> None:
    assert depth(r'["[[[", {"\"[": "\\"}]') == 2


@given(VALUES)
def test_depth_is_what_a_walk_through_the_value_finds(value: object) -> None:
    def walk(inner: object) -> int:
        match inner:
            case list():
                return 1 + max(map(walk, inner), default=0)
            case dict():
                return 1 + max(map(walk, inner.values()), default=0)
            case _:
                return 0

    assert depth(json.dumps(value)) == walk(value)

"""Long messages are cut so that every piece fits, nothing is lost, and each piece reads by itself."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nanoclaw.core.fences import MOST_MARKER, fences_of
from nanoclaw.core.splitting import LEAST, split

WORDS = "The quick brown fox jumps over the lazy dog. "
CODE = "".join(f"line_{number} = {number}\n" for number in range(60))


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int = 200) -> tuple[str, ...]:
    return split(text, most=most, measure=len)


def test_what_fits_is_left_as_it_is() -> None:
    assert cut("```py\nnever closed") == ("```py\nnever closed",)
    assert cut("") == ("",)


def test_paragraphs_stay_together() -> None:
    pieces = cut(f"{WORDS * 3}\n\n{WORDS * 3}\n\n{WORDS * 3}")
    assert pieces == ((WORDS * 3).strip(),) * 3


def test_lines_are_cut_where_paragraphs_are_too_long() -> None:
    assert cut("\n".join(["- " + WORDS * 2] * 4)) == tuple(["\n".join(["- " + WORDS * 2] * 2).strip()] * 2)


def test_sentences_are_cut_where_lines_are_too_long() -> None:
    assert all(piece.endswith("dog.") for piece in cut(WORDS * 20))


def test_words_are_cut_between_where_there_are_no_sentences() -> None:
    assert " ".join(cut("word " * 200)) == ("word " * 200).strip()


def test_a_fence_that_is_cut_is_closed_and_opened_again_with_its_language() -> None:
    pieces = cut(f"Look:\n\n```python title=x\n{CODE}```\n\nThat was it.")
    assert pieces[0].startswith("Look:\n\n```python title=x\nline_0 = 0\n")
    assert all(piece.startswith("```python title=x\nline_") for piece in pieces[1:])
    assert all(piece.endswith("\n```") for piece in pieces[:-1])
    assert pieces[-1].endswith("```\n\nThat was it.")
    assert re.findall(r"line_\d+ = \d+", "\n".join(pieces)) == CODE.split("\n")[:-1]


def test_a_fence_stays_whole_in_the_next_piece_where_it_can() -> None:
    short = f"```\n{CODE[:80]}\n```"
    assert cut(f"{WORDS * 3}\n{short}\n{WORDS}") == ((WORDS * 3).strip(), f"{short}\n{WORDS}".strip())


@pytest.mark.parametrize("indent", ["  ", "   ", "     "])
def test_a_fence_in_a_list_is_pulled_out_to_the_left(indent: str) -> None:
    inner = "".join(f"{indent}{line}\n" for line in ["```sh", *CODE.split("\n")[:-1], "```"])
    pieces = cut(f"{'-':<{len(indent)}}run this:\n{inner}{'-':<{len(indent)}}and then that\n")
    assert all(piece.startswith("```sh\nline_") for piece in pieces[1:])
    assert all(balanced(piece) for piece in pieces)


def test_a_fence_in_a_quotation_stays_in_it() -> None:
    pieces = cut("> ```\n" + "".join(f"> {line}\n" for line in CODE.split("\n")) + "> ```\n")
    assert all(line.startswith(">") for piece in pieces for line in piece.split("\n"))
    assert all(balanced(piece) for piece in pieces)


@pytest.mark.parametrize(
    "whole",
    [
        "[a long label of a link](https://example.org/with/a/long/path?and=a&query=too)",
        "`a long code span with words in it`",
        "https://example.org/a/path/that/is/rather/long/and/has/no/spaces",
        "<https://example.org/a/path/that/is/rather/long/and/has/no/spaces>",
        "**a few words in bold that belong together**",
    ],
)
def test_what_belongs_together_is_not_cut(whole: str) -> None:
    for before in range(100, 200, 7):
        assert sum(whole in piece for piece in cut("word " * (before // 5) + whole + " word" * 30)) == 1


@pytest.mark.parametrize("sign", ["👨‍👩‍👧‍👦", "🇩🇪", "é", "👍🏽", "각", "한"])
def test_what_is_seen_as_one_sign_is_not_cut(sign: str) -> None:
    pieces = split(sign * 200, most=100, measure=utf16)
    assert len(pieces) > 1
    assert all(piece == sign * (len(piece) // len(sign)) for piece in pieces)


def test_a_sign_longer_than_a_piece_is_cut_all_the_same() -> None:
    assert "".join(cut("e" + "\u0301" * 1000)) == "e" + "\u0301" * 1000


@pytest.mark.parametrize("word", ["#", ">", "-", "1.", "```", "+", "~~~", "==="])
def test_words_become_no_markup_because_a_piece_begins_with_them(word: str) -> None:
    for piece in cut("a " + f"{word} " * 200)[1:]:
        assert piece.startswith(("\\", "1\\"))


def test_literal_text_is_cut_and_nothing_else() -> None:
    text = f"# [x](y)\n\n```py\n{CODE}"
    assert "".join(split(text, most=100, measure=len, literal=True)) == text


def test_pieces_are_cut_by_what_they_measure_when_rendered() -> None:
    pieces = split("&" * 1000, most=100, measure=lambda text: len(text.replace("&", "&amp;")))
    assert [len(piece) for piece in pieces] == [20] * 50


def test_markup_that_is_not_seen_takes_no_room() -> None:
    links = "[words](https://example.org/seen/by/nobody) " * 30
    pieces = split(links, most=100, measure=lambda text: len(re.sub(r"\(.*?\)", "", text)))
    assert len(pieces) == 3


def test_measuring_is_seldom() -> None:
    measured = 0

    def measure(text: str) -> int:
        nonlocal measured
        measured += 1
        return len(text)

    pieces = split(WORDS * 1000, most=2000, measure=measure)
    assert measured < 5 * len(pieces)


def test_a_piece_must_have_room() -> None:
    with pytest.raises(ValueError, match="room for 64"):
        cut("x", LEAST - 1)
    with pytest.raises(ValueError, match="no room for 'x'"):
        split("x" * 100, most=LEAST, measure=lambda _: LEAST + 1)


def balanced(piece: str) -> bool:
    return all(fence.inside_end < fence.end for fence in fences_of(piece))


def closes_all(text: str) -> bool:
    """Does no list or quotation end before a fence in it does? The end of the text may."""
    return all(fence.inside_end != fence.end for fence in fences_of(text))


def signs(text: str) -> str:
    return re.sub(r"\s", "", text)


def is_within(short: str, long: str) -> bool:
    rest = iter(long)
    return all(sign in rest for sign in short)


PARTS = st.sampled_from(
    [
        *(
            "\n",
            "\n\n",
            " ",
            "word ",
            "# ",
            "> ",
            "- ",
            "1. ",
            "  ",
            "    ",
            "`",
            "``",
            "**",
            "~~",
            "\\",
            "&amp;",
            "é",
            "👨‍👩‍👧",
        ),
        *("```\n", "```py\n", "\n```\n", "~~~\n", "\n~~~~\n", "> ```\n", "- ```\n", "  ```\n", "\n   ```\n", "````\n"),
        *("[x](https://a.b/c)", "https://example.org/abc", "<b>", "|a|b|\n|-|-|\n", WORDS, CODE[:150], "x" * 90),
    ]
)
TEXTS = st.lists(st.one_of(PARTS, st.text(max_size=12)), min_size=5, max_size=60).map("".join)


@given(TEXTS, st.integers(LEAST, 200))
@example("- a\n\n  ```py\n" + "  x = 1\n" * 40 + "  ```\n", 80)
@example("`" * 500, 80)
@example("```" + "i" * 500 + "\nx\n```", 80)
def test_every_piece_fits_and_nothing_is_lost(text: str, most: int) -> None:
    pieces = split(text, most=most, measure=utf16)
    assert all(utf16(piece) <= most for piece in pieces)
    assert is_within(signs(text), signs("".join(pieces)))
    if not fences_of(text) and ">" not in text and "\\" not in text:
        assert signs("".join(pieces)).replace("\\", "") == signs(text)


@given(TEXTS, st.integers(120, 200))
@example(f"\n```\n{WORDS}```\n{'x' * 120}", 120)
def test_fences_are_balanced_in_every_piece(text: str, most: int) -> None:
    pieces = split(text, most=most, measure=len)
    if (
        len(pieces) > 1
        and closes_all(text)
        and len(max(re.findall(r"`+|~+", text), key=len, default="")) <= MOST_MARKER
    ):
        assert [piece for piece in pieces if not balanced(piece)] == []


@given(st.text(max_size=600), st.integers(LEAST, 100))
def test_literal_text_is_whole_when_put_together(text: str, most: int) -> None:
    pieces = split(text, most=most, measure=utf16, literal=True)
    assert "".join(pieces) == text or "".join(pieces) == re.sub("\r\n?", "\n", text)

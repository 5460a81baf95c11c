"""Answers taken apart: nothing is lost, nothing is made up, and code is no tag."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.blocks import Kind, parts, spoken, thoughts


def messages(text: str) -> list[tuple[str | None, str]]:
    return [(part.to, part.text) for part in parts(spoken(text)) if part.kind is Kind.MESSAGE]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a<message to="x">b</message>c', [("x", "b")]),
        ('<message to="x">b<message to="y">c', [("x", "b"), ("y", "c")]),
        ('</message><message to="x">b</message></message>', [("x", "b")]),
        ('<message to="x">b<internal>c</internal>d</message>', [("x", "bd")]),
        ('<message to="">b</message>', [("", "b")]),
        ("<message>b</message>", []),
        # A closing tag in a fence is text.
        (
            '<message to="x">so:\n```xml\n</message>\n```\nthere</message>',
            [("x", "so:\n```xml\n</message>\n```\nthere")],
        ),
        ('<message to="x">\n~~~\n</message>\n~~~~\n</message>z', [("x", "\n~~~\n</message>\n~~~~\n")]),
        ('<message to="x">```\n</message>\n```</message>', [("x", "```\n</message>\n```")]),
        # So is a whole message in a fence, inside of one and outside.
        (
            '<message to="x">\n```\n<message to="y">b</message>\n```\nc',
            [("x", '\n```\n<message to="y">b</message>\n```\nc')],
        ),
        ('so:\n```\n<message to="y">b</message>\n```\n', []),
        # And a tag that is a piece of code by itself.
        ('<message to="x">ends with `</message>`, see</message>', [("x", "ends with `</message>`, see")]),
        ('as `<message to="name">…</message>` has it', []),
        # A fence that is never closed is none.
        ('<message to="x">\n```\nb</message><message to="y">c</message>', [("x", "\n```\nb"), ("y", "c")]),
        # Two fences left open are no code that both messages are in.
        (
            '<message to="x">\n```\nb\n</message>\n<message to="y">\n```\nc\n</message>',
            [("x", "\n```\nb\n"), ("y", "\n```\nc\n")],
        ),
        # Nor does a fence swallow the only end that there is.
        ('<message to="x">\n```\nb\n</message>\nnote\n```\nc\n```\n', [("x", "\n```\nb\n")]),
    ],
)
def test_messages_are_what_is_between_their_tags(text: str, expected: list[tuple[str | None, str]]) -> None:
    assert messages(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a<internal>b</internal>c", "ac"),
        ("a<internal>b<internal>c</internal>d", "ad"),
        ("a</internal>b", "a</internal>b"),
        ("a<internal>b", "a"),
        ("```\n<internal>\n```\na", "```\n<internal>\n```\na"),
        ("<internal>\n```\n</internal>\n```\nb</internal>c", "c"),
        ("<internal>\n```\n</internal>\n```\nc", "\n```\nc"),
    ],
)
def test_thoughts_are_taken_out_unless_they_are_code(text: str, expected: str) -> None:
    assert spoken(text) == expected


PIECES = st.lists(
    st.sampled_from(
        [
            '<message to="room">',
            '<message to="x" >',
            "</message>",
            "<internal>",
            "</internal>",
            "```",
            "\n```\n",
            "\n~~~~",
            "`",
            "\n",
            " ",
            "words",
        ]
    )
    | st.text(max_size=3)
).map("".join)


@given(PIECES)
def test_the_parts_are_the_whole(text: str) -> None:
    assert "".join(piece for _, piece in thoughts(text)) == text
    found = list(parts(text))
    assert "".join(part.text for part in found) == text
    for before, after in pairwise(found):
        assert before.kind is Kind.MARK or after.kind is Kind.MARK, "what is not parted by a tag is one part"


@given(PIECES)
def test_whatever_a_message_says_its_tags_are_those_that_end_it(text: str) -> None:
    inside = text.replace("<", "(").replace("`", "'").replace("~", "-")
    assert messages(f'<message to="a">{inside}</message>{inside}') == [("a", inside)]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.text("xyz \n")), max_size=5))
def test_messages_come_out_as_they_were_put_in(said: list[tuple[str, str]]) -> None:
    text = "and".join(f'<message to="{to}">{body}</message>' for to, body in said)
    assert messages(text) == said

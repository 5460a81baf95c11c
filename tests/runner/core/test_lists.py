"""Lists of words and words by name, as a model gives them: read, or refused with what to do instead."""

from __future__ import annotations

import pytest

from runner.core.arguments import Refused
from runner.core.lists import NamedTexts, Texts

LIST = Texts(name="args", about="Words.", most=2, longest=3)
NAMED = NamedTexts(name="env", about="Words.", most=2, longest=3)


def test_words_are_taken_as_they_are_but_for_what_no_file_takes() -> None:
    assert LIST.read(["a", ""]) == ("a", "")
    assert LIST.read([]) == ()
    assert LIST.read(["\ud800"]) == ("\ufffd",)
    assert NAMED.read({"A": "b", "\ud800": "c"}) == {"A": "b", "\ufffd": "c"}


@pytest.mark.parametrize(
    ("parameter", "value", "why"),
    [
        (LIST, "ab", "args has to be a list of at most 2."),
        (LIST, ["a", "b", "c"], "args has to be a list of at most 2."),
        (LIST, {"a": "b"}, "args has to be a list of at most 2."),
        (LIST, ["a", 1], "What is in args has to be text."),
        (LIST, ["abcd"], "In args is a text of 4 characters; 3 are the most."),
        (NAMED, ["a"], "env has to be an object with 2 names at the most."),
        (NAMED, {"a": "", "b": "", "c": ""}, "env has to be an object with 2 names at the most."),
        (NAMED, {"a": None}, "What is in env has to be text."),
        (NAMED, {"a": "bcde"}, "In env is a text of 4 characters; 3 are the most."),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(parameter: Texts | NamedTexts, value: object, why: str) -> None:
    assert parameter.read(value) == Refused(why)

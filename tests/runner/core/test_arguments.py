"""What tools take: the schema and the check say the same, and what is refused is said in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from runner.core.arguments import Choices, Refused, Text, Whole, read_arguments, schema_of
from schema.payloads import MOST_LABEL, MOST_OPTIONS, Option

TEXT = Text(name="text", about="words", most=5)
NOTE = Text(name="note", about="more", most=5, required=False, may_be_empty=True)
NUMBER = Whole(name="number", about="how many", most=9, required=False)
CHOICES = Choices(name="options", about="answers")


@frozen(kw_only=True)
class Wanted:
    text: str
    note: str = "none"
    number: int = 7

    def __attrs_post_init__(self) -> None:
        if self.text == "both" and self.number == 9:
            raise ValueError("Not both.")


def read(given: dict[str, object]) -> Wanted | Refused:
    return read_arguments(Wanted, [TEXT, NOTE, NUMBER], given)


def test_the_schema_says_what_may_be_given_and_that_nothing_else_may() -> None:
    assert schema_of([TEXT, NOTE, NUMBER]) == {
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "words", "minLength": 1, "maxLength": 5},
            "note": {"type": "string", "description": "more", "maxLength": 5},
            "number": {"type": "integer", "description": "how many", "minimum": 1, "maximum": 9},
        },
        "required": ["text"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"text": "a"}, Wanted(text="a")),
        ({"text": "a", "note": None, "number": None}, Wanted(text="a")),
        ({"text": "a", "note": "", "number": 9}, Wanted(text="a", note="", number=9)),
        ({"text": " a ", "number": "#3"}, Wanted(text=" a ", number=3)),
        ({"text": "a", "number": 3.0}, Wanted(text="a", number=3)),
        ({"text": "a\ud800"}, Wanted(text="a\ufffd")),
    ],
)
def test_what_can_mean_only_one_thing_is_taken(given: dict[str, object], found: Wanted) -> None:
    assert read(given) == found


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "text is missing."),
        ({"text": None}, "text is missing."),
        ({"text": 5}, "text has to be text."),
        ({"text": " \n"}, "text must not be empty."),
        ({"text": "123456"}, "text has 6 characters; 5 are the most."),
        ({"text": "a", "number": 0}, "number is 0; it has to be from 1 to 9."),
        ({"text": "a", "number": "10"}, "number is 10; it has to be from 1 to 9."),
        ({"text": "a", "number": "9" * 50}, f"number is {'9' * 20}; it has to be from 1 to 9."),
        ({"text": "a", "number": True}, "number has to be a whole number."),
        ({"text": "a", "number": 1.5}, "number has to be a whole number."),
        ({"text": "a", "number": "²"}, "number has to be a whole number."),
        ({"text": "a", "number": float("inf")}, "number has to be a whole number."),
        ({"text": "a", "amount": 1, "x": 2}, "There is no parameter amount, x. There are: text, note, number."),
        ({"text": "both", "number": 9}, "Not both."),
    ],
)
def test_what_does_not_fit_is_refused_in_words(given: dict[str, object], why: str) -> None:
    assert read(given) == Refused(why)


def test_a_tool_without_parameters_says_so() -> None:
    assert read_arguments(dict, [], {"x": 1}) == Refused("There is no parameter x. There are: none.")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["Yes", "No"], (Option(label="Yes", value="Yes"), Option(label="No", value="No"))),
        ([{"label": " Yes ", "value": "y"}], (Option(label="Yes", value="y"),)),
        ([{"label": "Yes"}, "No"], (Option(label="Yes", value="Yes"), Option(label="No", value="No"))),
    ],
)
def test_answers_are_words_or_words_with_a_value(given: object, found: tuple[Option, ...]) -> None:
    assert CHOICES.read(given) == found


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("Yes", f"options has to be a list of 1 to {MOST_OPTIONS} answers."),
        ([], f"options has to be a list of 1 to {MOST_OPTIONS} answers."),
        (["a"] * (MOST_OPTIONS + 1), f"options has to be a list of 1 to {MOST_OPTIONS} answers."),
        (["a", "A"], "Two of options are the same: nobody could tell them apart."),
        ([{"label": "a", "value": "x"}, {"label": "b", "value": "x"}], "Two of options are the same: nobody could"),
        (["a", 2], "The label of answer 2 of options has to be text."),
        (["a", " "], "The label of answer 2 of options must not be empty."),
        ([{"value": "a"}], "The label of answer 1 of options has to be text."),
        ([{"label": "a", "value": 2}], "The value of answer 1 of options has to be text."),
        ([{"label": "a", "value": " "}], "The value of answer 1 of options must not be empty."),
        ([{"label": "a", "selected": "b"}], "In answer 1 of options is selected; an answer has a label and a value."),
        (
            ["a" * (MOST_LABEL + 1)],
            f"The label of answer 1 of options has {MOST_LABEL + 1} characters;",
        ),
    ],
)
def test_answers_that_cannot_be_chosen_from_are_refused(given: object, why: str) -> None:
    found = CHOICES.read(given)
    assert isinstance(found, Refused)
    assert found.why.startswith(why)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["label", "value", "x"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["text", "note", "number", "options", "x"]), JSON))
def test_whatever_is_given_it_is_taken_within_its_limits_or_refused(given: dict[str, object]) -> None:
    found: dict[str, Any] | Refused = read_arguments(dict, [TEXT, NOTE, NUMBER, CHOICES], given)
    if isinstance(found, Refused):
        assert found.why.endswith(".")
        return
    json.dumps(found["text"]).encode()
    assert 0 < len(str(found["text"])) <= 5
    assert 1 <= int(found.get("number", 1)) <= 9
    assert 1 <= len(found["options"]) <= MOST_OPTIONS

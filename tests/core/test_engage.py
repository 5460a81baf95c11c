"""Patterns and mentions: what an agent takes up."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.engage import (
    MOST_PATTERN,
    MOST_TEXT,
    BadPattern,
    Engaged,
    NotEngaged,
    compile_pattern,
    engage,
)
from nanoclaw.model.entities import EngageMode


def by_pattern(pattern: str | None, text: str) -> Engaged | NotEngaged:
    return engage(EngageMode.PATTERN, pattern, text=text, mention=True, engaged_before=True)


@pytest.mark.parametrize(
    ("pattern", "text", "engages"),
    [
        (".", "", True),
        (".", "anything", True),
        ("deploy", "please deploy it", True),
        ("deploy", "please DEPLOY it", False),
        ("(?i)deploy", "please DEPLOY it", True),
        ("^deploy", "please deploy", False),
        ("deploy|ship", "ship it", True),
        ("na.ve", "naïve", True),
    ],
)
def test_a_pattern_is_searched_anywhere_in_the_text(pattern: str, text: str, engages: bool) -> None:
    assert isinstance(by_pattern(pattern, text), Engaged) is engages


def test_a_verdict_says_why() -> None:
    assert by_pattern(".", "x") == Engaged("the pattern . takes every message")
    assert by_pattern("a", "a") == Engaged("the pattern 'a' is in the text")
    assert by_pattern("a", "b") == NotEngaged("no-match", "the pattern 'a' is not in the text")
    by_mention = engage(EngageMode.MENTION, None, text="", mention=True, engaged_before=False)
    assert by_mention == Engaged("the platform says that it is addressed to us")
    ignored = engage(EngageMode.MENTION, None, text="", mention=False, engaged_before=True)
    assert ignored == NotEngaged("not-addressed", "no mention")
    sticks = engage(EngageMode.MENTION_STICKY, None, text="", mention=False, engaged_before=True)
    assert sticks == Engaged("the agent has engaged in this thread before")
    fresh = engage(EngageMode.MENTION_STICKY, None, text="", mention=False, engaged_before=False)
    assert fresh == NotEngaged("not-addressed", "no mention, and the agent has not engaged in this thread before")


def test_only_the_beginning_of_a_long_text_is_searched() -> None:
    assert isinstance(by_pattern("end", "x" * (MOST_TEXT - 3) + "end"), Engaged)
    assert isinstance(by_pattern("end", "x" * (MOST_TEXT - 2) + "end"), NotEngaged)
    assert MOST_TEXT == 8_192


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "a{2,1}", "(?=x)", r"(a)\1", "\ud800", "((a{1,100}){1,100}){1,100}"])
def test_a_pattern_that_does_not_compile_never_engages_and_is_the_wirings_fault(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    assert isinstance(compiled, BadPattern)
    assert compiled.why
    verdict = by_pattern(pattern, "(a)")
    assert isinstance(verdict, NotEngaged)
    assert (verdict.reason, verdict.fault) == ("bad-pattern", True)
    assert verdict.detail == f"the pattern {pattern!r} does not compile: {compiled.why}"


def test_what_is_wrong_with_a_pattern_is_said_in_words() -> None:
    assert compile_pattern("(é") == BadPattern("missing ): (é")
    assert compile_pattern("(?=x)") == BadPattern("invalid perl operator: (?=")
    assert compile_pattern("a\ud800") == BadPattern("it holds half a character, which no text does")


def test_a_pattern_has_a_length() -> None:
    assert compile_pattern("") == BadPattern("it is empty; the pattern for every message is .")
    assert by_pattern(None, "XXXX") == by_pattern("", "XXXX")
    assert isinstance(by_pattern(None, "XXXX"), NotEngaged)
    assert not isinstance(compile_pattern("x" * MOST_PATTERN), BadPattern)
    assert compile_pattern("x" * (MOST_PATTERN + 1)) == BadPattern("it has 1001 characters; 1000 are the most")


def test_what_would_take_forever_elsewhere_takes_no_time() -> None:
    before = time.process_time()
    by_pattern("(a+)+$", "a" * MOST_TEXT + "b")
    by_pattern("(x+x+)+y", "x" * MOST_TEXT)
    assert time.process_time() - before < 5


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_pattern_and_no_text_make_it_fail(pattern: str, text: str) -> None:
    assert isinstance(by_pattern(pattern, text), Engaged | NotEngaged)


@given(st.text(st.characters(categories=["Cs", "Ll"]), max_size=10))
def test_half_surrogates_in_a_text_are_searched_as_something_else(text: str) -> None:
    assert isinstance(by_pattern("[a-z]", text + "a"), Engaged)

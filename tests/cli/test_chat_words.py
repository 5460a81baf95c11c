"""What a chat shows of edits, reactions, cards and questions, and which question a typed line answers."""

from __future__ import annotations

import io
import re

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from nanoclaw.channels.terminal.frames import Say, Show, read_client, read_host, write_client, write_host
from nanoclaw.cli.chat_words import OpenQuestions, in_markdown, in_words, lines_of, on_terminal
from nanoclaw.core.approvals import field

PLAIN = Show(key="k", text="hello", speaker="Nano", answers=None, more=False)
QUESTION = evolve(PLAIN, text="Now?", title="Cake", question="q1", options=("Yes", "No"))


@pytest.mark.parametrize(
    ("frame", "words", "markdown"),
    [
        (PLAIN, "hello", "hello"),
        (evolve(PLAIN, edits="k0"), "(changed) hello", "(changed) hello"),
        (evolve(PLAIN, text="👍", reacts_to="k0", quoted="well"), "👍 to “well”", "👍 to “well”"),
        (evolve(PLAIN, text="👍", reacts_to="k0"), "👍", "👍"),
        (evolve(PLAIN, title="Menu", text="Soup"), "Menu\nSoup", "**Menu**\n\nSoup"),
        (evolve(PLAIN, title="Menu", text=""), "Menu", "**Menu**"),
        (
            QUESTION,
            "Cake\nNow?\n1. Yes\n2. No\n(answer with a number, or with the words)",
            "**Cake**\n\nNow?\n\n1. Yes\n2. No\n\n(answer with a number, or with the words)",
        ),
    ],
)
def test_each_kind_is_shown_as_what_it_is(frame: Show, words: str, markdown: str) -> None:
    assert in_words(frame) == words
    assert in_markdown(frame) == markdown
    assert read_host(write_host(frame)) == frame


def seen(frame: Show) -> str:
    """What stands on a terminal, its colours aside."""
    console = Console(file=io.StringIO(), force_terminal=True, width=1_000)
    console.print(on_terminal(frame))
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue())


@given(st.text(max_size=60))
@example("<!-- rm -rf / --> <b>bold</b> [safe](http://evil.example) ![i](http://evil.example) &lt; **a** :smile: [red]")
def test_of_what_the_host_says_every_sign_is_seen_whatever_strangers_have_put_into_it(value: str) -> None:
    line = field("Argument", value)
    assert line in seen(evolve(PLAIN, speaker=None, text=line))


def test_where_a_link_of_an_agents_leads_is_seen() -> None:
    shown = seen(evolve(PLAIN, text="**Go** to [https://bank.example](https://evil.example/?q=secret)\x1b]8;;x"))
    assert "Go to https://bank.example (https://evil.example/?q=secret)" in shown
    assert "\x1b" not in shown


def test_somebody_else_is_named_before_what_they_say() -> None:
    assert lines_of(QUESTION, "Nano", ["saved a.txt"])[0].startswith("Cake\n")
    assert lines_of(QUESTION, "Ops", ["saved a.txt"])[0].startswith("Nano: Cake\n")
    assert lines_of(evolve(PLAIN, text="\x1b[2J"), "Nano", ()) == [" [2J"]


def test_a_line_answers_the_latest_question_that_it_fits_and_each_once() -> None:
    asked = OpenQuestions()
    asked.note(PLAIN)
    asked.note(QUESTION)
    asked.note(evolve(QUESTION, question="q2", options=("Tea", "No")))
    assert asked.take("maybe") is None
    assert asked.take("1") == "q2"
    assert asked.take("tea") is None
    assert asked.take("no") == "q1"
    assert asked.take("no") is None


def test_an_answer_travels_with_the_question_that_it_is_for() -> None:
    say = Say(id="1", text="2", question="q1")
    assert read_client(write_client(say)) == say

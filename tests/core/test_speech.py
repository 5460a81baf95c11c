"""What an agent says, put as a channel can show it: natively, or in words that say the same."""

from __future__ import annotations

import pytest

from nanoclaw.core.speech import (
    Ability,
    CannotSay,
    OnlyRecord,
    Say,
    ShowCard,
    ShowEdit,
    ShowQuestion,
    ShowReaction,
    Target,
    is_repeatable,
    speak,
)
from nanoclaw.model.ids import QuestionId
from schema.payloads import AskQuestion, Card, ChatOut, Edit, Option, OutPayload, Reaction, SystemOut
from schema.rows import OutKind

THERE = Target(platform_message_id="p1", text="Diner at eight\nsee you")
NAMELESS = Target(platform_message_id=None, text="Diner at eight")
GONE = Target(platform_message_id=None, text="Diner", why_not="forbidden")
EDIT = Edit(seq=3, text="Dinner at eight")
REACTION = Reaction(seq=2, emoji="👍")
CARD = Card(title="Menu", description="Soup", fallback="Menu: soup")
QUESTION = AskQuestion(
    question_id="q1",
    title="Cake",
    question="Now?",
    options=(Option(label="Yes", value="y"), Option(label="No", value="n")),
)
ASKED = "Cake\nNow?\n1. Yes\n2. No\n(answer with a number, or with the words)"


@pytest.mark.parametrize(
    ("said", "target", "ability", "native", "words"),
    [
        (EDIT, THERE, Ability.EDIT, Say("Dinner at eight", ShowEdit(platform_message_id="p1")), None),
        (CARD, None, Ability.CARD, Say("Menu: soup", ShowCard(title="Menu", description="Soup")), Say("Menu: soup")),
        (
            QUESTION,
            None,
            Ability.QUESTION,
            Say(ASKED, ShowQuestion(question=QuestionId("q1"), title="Cake", text="Now?", options=QUESTION.options)),
            Say(ASKED),
        ),
        (
            REACTION,
            THERE,
            Ability.REACTION,
            Say("👍", ShowReaction(platform_message_id="p1", emoji="👍", quoted="Diner at eight see you")),
            OnlyRecord("there are no reactions on this channel, and nothing was shown"),
        ),
    ],
)
def test_a_channel_gets_what_it_can_show_and_words_for_the_rest(
    said: OutPayload, target: Target | None, ability: Ability, native: Say, words: Say | OnlyRecord | None
) -> None:
    assert speak(said, target, [ability]) == native
    others = [one for one in Ability if one is not ability]
    assert speak(said, target, others) == (words or Say("(correction of “Diner at eight see you”)\nDinner at eight"))


def test_plain_words_need_no_ability() -> None:
    assert speak(ChatOut(text="hello"), None, []) == Say("hello")


def test_what_a_platform_gave_no_name_is_corrected_in_words_and_not_reacted_to() -> None:
    every = list(Ability)
    assert speak(EDIT, NAMELESS, every) == Say("(correction of “Diner at eight”)\nDinner at eight")
    assert isinstance(speak(REACTION, NAMELESS, every), OnlyRecord)


@pytest.mark.parametrize("said", [EDIT, REACTION])
def test_what_is_about_nothing_that_arrived_has_come_to_nothing(said: OutPayload) -> None:
    for abilities in ([], list(Ability)):
        gone = speak(said, GONE, abilities)
        assert isinstance(gone, CannotSay)
        assert "forbidden" in gone.why
        assert isinstance(speak(said, None, abilities), CannotSay)


def test_a_question_whose_title_is_the_question_says_it_once() -> None:
    twice = AskQuestion(question_id="q", title="Now?", question="Now?", options=(Option(label="Yes", value="y"),))
    said = speak(twice, None, [])
    assert isinstance(said, Say)
    assert said.text.count("Now?") == 1


def test_a_request_is_nothing_to_say() -> None:
    assert isinstance(speak(SystemOut(action="list_tasks"), None, list(Ability)), CannotSay)


@pytest.mark.parametrize(
    ("kind", "abilities", "repeatable"),
    [
        (OutKind.EDIT, {Ability.EDIT}, True),
        (OutKind.REACTION, {Ability.REACTION}, True),
        (OutKind.EDIT, {Ability.REACTION}, False),
        (OutKind.REACTION, {Ability.EDIT}, False),
        (OutKind.CHAT, set(Ability), False),
        (OutKind.CARD, set(Ability), False),
    ],
)
def test_only_what_changes_a_message_where_it_stands_can_be_sent_twice(
    kind: OutKind, abilities: set[Ability], repeatable: bool
) -> None:
    assert is_repeatable(kind.value, abilities) is repeatable

"""Who may answer a question, and which option do they mean? Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.notices import plain
from nanoclaw.model.ids import UserId
from nanoclaw.model.messages import Address
from nanoclaw.model.questions import Question, QuestionState
from nanoclaw.model.rights import Standing
from schema.payloads import AskQuestion, Option

MOST_OPEN = 20
"""Questions of one session that wait at a time."""
ADMINS = (Standing.OWNER, Standing.GLOBAL_ADMIN, Standing.ADMIN)


@frozen
class Taken:
    """It is answered."""

    option: Option


@frozen
class NotTaken:
    """It is not."""

    reason: str
    """As records of drops have it."""
    why: str
    """For whoever wanted to answer."""


Verdict: TypeAlias = Taken | NotTaken


def fault(asked: AskQuestion) -> str | None:
    """What is wrong with a question that an agent asks, as half a sentence; None: nothing."""
    for what, words in (
        ("labels", [_folded(option.label) for option in asked.options]),
        ("values", [option.value for option in asked.options]),
    ):
        if len(set(words)) < len(words) or "" in words:
            return f"its {what} are not all different, or one is empty"
    return None


def meant(said: str, options: Sequence[Option]) -> Option | None:
    """The option that *said* names: by its label, its value or its number, in this order; None: none of them."""
    words = _folded(said)
    for option in options:
        if words == _folded(option.label):
            return option
    for option in options:
        if said.strip() == option.value:
            return option
    number = words.rstrip(".)")
    if number.isascii() and number.isdecimal() and len(number) < 4 and 1 <= int(number) <= len(options):
        return options[int(number) - 1]
    return None


def may_answer(question: Question, sender: UserId, standing: Standing) -> bool:
    """May *sender*, who stands so to the agent group that asks, answer?"""
    return sender == question.asked_of or standing in ADMINS


def judge(
    question: Question | None,
    options: Sequence[Option],
    said: str,
    *,
    place: Address,
    sender: UserId,
    standing: Standing,
    answered_by: str | None,
) -> Verdict:
    """What becomes of an answer that is meant as one.

    Args:
      question: The one that is meant; None: there is none of that name.
      options: Its own.
      said: What was pressed or typed.
      place: Where.
      sender: By whom.
      standing: What they are to the agent group that asks.
      answered_by: The name of who has answered it, if somebody has.
    """
    if question is None or not question.place.is_in_chat_of(place):
        return NotTaken("no-question", "there is no such question here")
    if not may_answer(question, sender, standing):
        return NotTaken("not-yours-to-answer", "only whoever it was asked of, and admins, may answer this question")
    if question.state is not QuestionState.OPEN:
        return NotTaken("question-over", over(question, options, answered_by))
    option = meant(said, options)
    if option is None:
        return NotTaken("no-option", "this is none of the answers to choose from")
    return Taken(option)


def over(question: Question, options: Sequence[Option], answered_by: str | None) -> str:
    """Why nobody can answer it any more, for people."""
    match question.state:
        case QuestionState.ANSWERED:
            label = next((option.label for option in options if option.value == question.answer), question.answer or "")
            return f"this question has been answered: “{plain(label, 80)}”, by {plain(answered_by or '', 80)}"
        case QuestionState.EXPIRED:
            return "nobody answered this question in time, and it is closed"
        case QuestionState.OPEN | QuestionState.UNDELIVERED:
            return "this question is closed"


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()

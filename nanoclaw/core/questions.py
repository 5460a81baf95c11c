"""Who may answer a question, and which option do they mean? Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.notices import plain
from nanoclaw.core.responders import Responders, is_among
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


@frozen(kw_only=True)
class Answerer:
    """Somebody who would answer."""

    id: UserId
    """As the platform vouches for it."""
    standing: Standing
    """What they are to the agent group that asks."""
    speaks: bool
    """May they speak to it in that chat?"""


def may_answer(question: Question, responders: Responders | None, who: Answerer) -> bool:
    """May they? Admins in any case; besides them the *responders* that were named, else who triggered the turn."""
    if who.standing in ADMINS:
        return True
    if responders is None:
        return who.id == question.asked_of
    return is_among(responders, who.id, speaks=who.speaks)


def judge(
    question: Question | None,
    options: Sequence[Option],
    option: Option | None,
    *,
    place: Address,
    responders: Responders | None,
    who: Answerer,
    answered_by: str | None,
) -> Verdict:
    """What becomes of an answer that is meant as one.

    Args:
      question: The one that is meant; None: there is none of that name.
      options: Its own.
      option: What was chosen; None: none of its own.
      place: Where.
      responders: Who was named to answer it; None: nobody.
      who: Whoever did it.
      answered_by: The name of who has answered it, if somebody has.
    """
    if question is None or not question.place.is_in_chat_of(place):
        return NotTaken("no-question", "there is no such question here")
    if not may_answer(question, responders, who):
        return NotTaken("not-yours-to-answer", "only whoever it was asked of, and admins, may answer this question")
    if question.state is not QuestionState.OPEN:
        return NotTaken("question-over", over(question, options, answered_by))
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

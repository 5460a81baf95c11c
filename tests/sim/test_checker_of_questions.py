"""The checker sees a question that was answered and whose agent never heard of it, and one that ended twice."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import attrs
import pytest
import trio

from nanoclaw.model.questions import Question, QuestionState
from schema.payloads import answer_row
from tests.sim.checker import check
from tests.sim.ending import Truth
from tests.sim.run import Outcome, run
from tests.sim.story import Story
from tests.sim.town import PLACES


class Asked(Story):
    """Somebody is asked, and answers; somebody else does not."""

    async def happen(self) -> None:
        """See `Story.happen`."""
        self.say(PLACES[1], "ask")
        await trio.sleep(10.0)
        self.say_yes(PLACES[1])
        self.say(PLACES[2], "ask")
        await trio.sleep(90.0)


@cache
def good() -> Outcome:
    """The run in which all is well."""
    return run(1, make_story=Asked)


def without_answer(truth: Truth, question: Question) -> Truth:
    left = {name: row for name, row in truth.messages.items() if name != answer_row(question.id)}
    return attrs.evolve(truth, messages=left)


def without_message(truth: Truth, question: Question) -> Truth:
    return attrs.evolve(truth, ledger={name: row for name, row in truth.ledger.items() if name != question.ledger_id})


def expired(truth: Truth, question: Question) -> Truth:
    over = attrs.evolve(question, state=QuestionState.EXPIRED)
    return attrs.evolve(truth, questions=(over,))


def test_both_ends_are_in_order() -> None:
    assert good().problems == ()
    assert sorted(one.state.value for one in good().truth.questions) == ["answered", "expired"]


@pytest.mark.parametrize("change", [without_answer, without_message, expired])
def test_what_is_changed_is_found(change: Callable[[Truth, Question], Truth]) -> None:
    outcome = good()
    (question,) = (one for one in outcome.truth.questions if one.state is QuestionState.ANSWERED)
    found = check(outcome.history, change(outcome.truth, question), ())
    assert any(f"question {question.id}" in one for one in found)

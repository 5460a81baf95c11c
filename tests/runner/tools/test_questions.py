"""Asking a person: the row, the wait, and everything that can become of a question."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runner.tools.base import Answer
from runner.tools.questions import GRACE_SECONDS, SECONDS
from schema import payloads
from schema.payloads import (
    MOST_WAIT_SECONDS,
    AskQuestion,
    Option,
    QuestionResponse,
    SystemIn,
    answer_row,
    question_rows,
)
from schema.requests import refusal_key
from schema.rows import Phase
from tests.runner.tools.bench import Bench

ASKED: dict[str, object] = {"title": "Release", "question": "Deploy now?", "options": ["Yes", "No"]}
ANSWER, EXPIRED, UNDELIVERED = question_rows("q-1")
REFUSED = f"note:{refusal_key('sess-1', 7, 'out-3')}"


def response(label: str = "Yes", value: str = "Yes", by: str = "Ada") -> SystemIn:
    """The host's word that somebody has chosen."""
    chosen = QuestionResponse(question_id="q-1", question="Deploy now?", value=value, label=label, by=by)
    return SystemIn(action="question_response", text=payloads.write(chosen))


async def ask(bench: Bench, meanwhile: Callable[[], None], **more: object) -> Answer:
    """Ask; when the tool waits, do something."""
    answers: list[Answer] = []

    async def asking() -> None:
        answers.append(await bench.tools.call("ask_user_question", {**ASKED, **more}))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(asking)
        await wait_all_tasks_blocked()
        meanwhile()
    return answers[0]


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (response(), "Ada chose “Yes”."),
        (response(value="y"), "Ada chose “Yes” (value: y)."),
        (response(by=""), "Somebody chose “Yes”."),
        (response(by="A\nda"), "A?da chose “Yes”."),
        (SystemIn(action="question_response", text="yes!"), "It was answered so: yes!"),
    ],
)
async def test_the_answer_is_the_tools_answer(bench: Bench, chosen: SystemIn, told: str) -> None:
    assert await ask(bench, lambda: bench.tell(ANSWER, chosen)) == Answer(told)


async def test_a_question_is_a_row_that_names_its_answer(bench: Bench) -> None:
    await ask(bench, lambda: bench.tell(ANSWER, response()), timeout=60, to="room")
    options = (Option(label="Yes", value="Yes"), Option(label="No", value="No"))
    question = AskQuestion(
        question_id="q-1", title="Release", question="Deploy now?", options=options, timeout_seconds=60
    )
    assert bench.written() == [("room", "m2", question)]
    assert answer_row("q-1") == ANSWER


async def test_while_it_waits_the_turn_says_so(bench: Bench) -> None:
    def meanwhile() -> None:
        assert bench.waits == {"q-1": Phase.WAITING_ANSWER}
        bench.tell(ANSWER, response())

    await ask(bench, meanwhile)
    assert bench.waits == {}


async def test_the_row_of_an_answer_is_claimed_at_once_and_settled_with_the_turn(bench: Bench) -> None:
    await ask(bench, lambda: bench.tell(ANSWER, response()))
    assert bench.link.acks() == {ANSWER: "processing"}
    assert bench.tools.end_turn() == (ANSWER,)
    assert bench.tools.end_turn() == ()


async def test_an_answer_that_was_given_to_a_model_that_is_gone_can_be_taken_back_once(bench: Bench) -> None:
    await ask(bench, lambda: bench.tell(ANSWER, response()))
    assert [incoming.row.id for incoming in bench.tools.take_back()] == [ANSWER]
    assert bench.tools.take_back() == ()
    assert bench.tools.end_turn() == ()


@pytest.mark.parametrize(
    ("row", "action", "text"),
    [
        (EXPIRED, "question_expired", "nobody answered the question “Release” in time"),
        (UNDELIVERED, "question_undelivered", "nobody saw the question “Release”: the platform is down"),
        (REFUSED, "ask_question_refused", "message 3, a ask_question, came to nothing: there are too many"),
    ],
)
async def test_a_question_that_will_not_be_answered_is_said_to_be_so(
    bench: Bench, row: str, action: str, text: str
) -> None:
    answer = await ask(bench, lambda: bench.tell(row, SystemIn(action=action, text=text)))
    assert answer == Answer(f"There is no answer: {text}.", failed=True)


@pytest.mark.parametrize(
    ("more", "seconds", "named"),
    [({}, SECONDS, SECONDS), ({"timeout": 20}, 20 + GRACE_SECONDS, 20)],
    ids=["without a timeout", "with one that the host does not end"],
)
async def test_a_turn_does_not_wait_for_ever(
    autojump_clock: MockClock, bench: Bench, more: dict[str, object], seconds: float, named: int
) -> None:
    start = trio.current_time()
    answer = await bench.tools.call("ask_user_question", {**ASKED, **more})
    assert trio.current_time() - start == pytest.approx(seconds)
    assert answer.failed
    assert answer.text.startswith(f"Nobody has answered within {named} s.")
    assert not bench.tools.awaits(ANSWER), "what comes later is another turn's input"
    assert bench.waits == {}


async def test_a_call_that_is_cancelled_leaves_the_question_open(autojump_clock: MockClock, bench: Bench) -> None:
    with trio.move_on_after(5) as scope:
        await bench.tools.call("ask_user_question", ASKED)
    assert scope.cancelled_caught
    assert len(bench.written()) == 1
    assert not bench.tools.awaits(ANSWER)


async def test_only_the_first_word_on_a_question_is_taken(bench: Bench) -> None:
    def meanwhile() -> None:
        bench.tell(ANSWER, response())
        assert not bench.tools.awaits(EXPIRED), "what is said later is input like any other"

    assert await ask(bench, meanwhile) == Answer("Ada chose “Yes”.")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"options": []}, "options has to be a list of 1 to 20 answers."),
        ({"options": ["Yes", "yes"]}, "Two of options are the same: nobody could tell them apart."),
        ({"timeout": MOST_WAIT_SECONDS + 1}, "timeout is 14401; it has to be from 1 to 14400."),
        ({"question": ""}, "question must not be empty."),
        ({"to": "family"}, "There is no destination 'family'. You can write to: room."),
    ],
)
async def test_a_question_that_makes_no_sense_is_not_asked(bench: Bench, wrong: dict[str, object], why: str) -> None:
    assert await bench.refused("ask_user_question", {**ASKED, **wrong}) == why

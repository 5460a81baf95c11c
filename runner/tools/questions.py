"""The tool that asks a person, and waits: ask_user_question.

The question is a row, and so is what becomes of it: that finds this session whatever becomes of the turn that asks.
An answer that is too late for the turn starts another one. Whether it is too late for the question, the host decides.
"""

from __future__ import annotations

from attrs import frozen

from runner.core.arguments import Choices, Refused, Text, Whole
from runner.core.lists import Texts
from runner.core.text import one_line
from runner.model import Incoming, Posting
from runner.tools.base import Answer
from runner.tools.desk import Definition, Desk, define_tool
from runner.tools.messages import TO
from runner.tools.waits import Awaited
from schema.payloads import (
    MOST_BODY,
    MOST_RESPONDER,
    MOST_RESPONDERS,
    MOST_TITLE,
    MOST_WAIT_SECONDS,
    QUESTION_RESPONSE,
    AskQuestion,
    Option,
    PayloadError,
    QuestionResponse,
    SystemIn,
    question_rows,
    read_as,
)
from schema.rows import Phase

SECONDS = 300
"""For an answer in this turn, where no timeout is given."""
GRACE_SECONDS = 10
"""For the host to say that a timeout is over."""
MOST_CALLED = 100


@frozen(kw_only=True)
class _Ask:
    title: str
    question: str
    options: tuple[Option, ...]
    timeout: int | None = None
    to: str | None = None
    responders: tuple[str, ...] = ()


async def _ask(desk: Desk, asked: _Ask) -> Answer | Refused:
    recipient = await desk.recipient(asked.to)
    if isinstance(recipient, Refused):
        return recipient
    question = AskQuestion(
        question_id=desk.new_id(),
        title=asked.title,
        question=asked.question,
        options=asked.options,
        timeout_seconds=asked.timeout,
        responders=asked.responders,
    )
    row = await desk.say(Posting(destination=recipient.destination, in_reply_to=desk.current, payload=question))
    ends: list[Awaited] = [*question_rows(question.question_id), (desk.epoch, row.id)]
    wait = SECONDS if asked.timeout is None else asked.timeout + GRACE_SECONDS
    with desk.waits.waiting(*ends) as answer, desk.waiting(question.question_id, Phase.WAITING_ANSWER):
        end = await answer.row(wait)
    if end is not None:
        return what_became_of_it(end)
    waited = SECONDS if asked.timeout is None else asked.timeout
    return Refused(
        f"Nobody has answered within {waited} s. If somebody still does, you will be told. Go on without the answer, "
        "or end your turn."
    )


def what_became_of_it(end: Incoming) -> Answer | Refused:
    """What the model is told of the end of a question: who chose what, or that nobody will."""
    assert isinstance(end.payload, SystemIn)
    if end.payload.action != QUESTION_RESPONSE:
        return Refused(f"There is no answer: {end.payload.text}.")
    try:
        response = read_as(QuestionResponse, end.payload.text)
    except PayloadError:
        return Answer(f"It was answered so: {end.payload.text}")
    who = one_line(response.by, MOST_CALLED) or "Somebody"
    value = "" if response.value == response.label else f" (value: {response.value})"
    return Answer(f"{who} chose “{response.label}”{value}.")


QUESTIONS: tuple[Definition, ...] = (
    define_tool(
        "ask_user_question",
        "Ask a person to choose, and wait for the answer. Only for what you cannot decide yourself: meanwhile nothing "
        "else goes on here.",
        [
            Text(name="title", about="What it is about, in a few words.", most=MOST_TITLE),
            Text(name="question", about="The question.", most=MOST_BODY),
            Choices(
                name="options",
                about="The answers to choose from: words, or words (label) and what they mean to you (value).",
            ),
            Whole(
                name="timeout",
                about="For how many seconds it may be answered; then it is closed. Left out: for as long as it takes; "
                f"you wait {SECONDS} s for it here, and an answer that comes later starts another turn.",
                most=MOST_WAIT_SECONDS,
                required=False,
            ),
            TO,
            Texts(
                name="responders",
                about="Who may answer, besides admins. Left out: whoever made you ask. Say the name of a sender as it "
                "was shown to you, a message of theirs as #12, anyone for everybody who may speak to you in that chat, "
                "or admins for nobody else. The first answer counts.",
                most=MOST_RESPONDERS,
                longest=MOST_RESPONDER,
            ),
        ],
        _Ask,
        _ask,
    ),
)

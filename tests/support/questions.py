"""Questions that agents ask in tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from attrs import evolve

from nanoclaw.core.responders import Responders
from nanoclaw.model.ids import OutboundId, QuestionId, SessionId, UserId
from nanoclaw.model.messages import LedgerState, NewLedgerRow
from nanoclaw.model.questions import Question, QuestionState
from nanoclaw.store import ledger, questions
from schema import payloads
from schema.payloads import AskQuestion, Option
from tests.support.central import CHANNEL, NOW, ROOM, World

TEA_OR_COFFEE = (Option(label="Tea", value="tea"), Option(label="Coffee", value="coffee"))


def a_question(session: SessionId, name: str = "q1", **words: Any) -> Question:
    """One that waits in `ROOM` for whoever it may be, some of it as *words* have it."""
    question = Question(
        id=QuestionId(name),
        session_id=session,
        ledger_id=OutboundId(f"out-{name}"),
        asked_of=None,
        channel=CHANNEL,
        platform_id=ROOM.platform_id,
        thread_id=None,
        title="Drinks",
        question="What would you like?",
        options=questions.write_options(TEA_OR_COFFEE),
        state=QuestionState.OPEN,
        asked_at=NOW,
        expires_at=None,
        ended_at=None,
        answered_by=None,
        answer=None,
    )
    return evolve(question, **words)


def asked(
    world: World,
    session: SessionId,
    name: str = "q1",
    *,
    answers: str | None = None,
    of: UserId | None = None,
    seconds: int | None = None,
    shown: bool = True,
    responders: Responders | None = None,
) -> Question:
    """The agent of *session* asks, in answer to that, and waits so long; it can be seen already, unless not *shown*."""
    said = AskQuestion(question_id=name, title="Drinks", question="What would you like?", options=TEA_OR_COFFEE)
    question = a_question(
        session,
        name,
        asked_of=of,
        asked_at=world.now,
        expires_at=None if seconds is None else world.now + timedelta(seconds=seconds),
        responders=None if responders is None else questions.write_responders(responders),
    )
    new = NewLedgerRow(
        id=question.ledger_id,
        epoch=None,
        runner_id=None,
        digest="",
        seq=None,
        in_reply_to=answers,
        to=ROOM,
        kind="ask_question",
        content=payloads.write(said),
    )
    ledger.add(world.conn, new, session=session, now=world.now)
    questions.add(world.conn, question)
    if shown:
        ledger.settle(world.conn, new.id, LedgerState.DELIVERED, platform_message_id=f"p-{name}", now=world.now)
    return question

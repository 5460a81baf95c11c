"""A question of an agent's, as it comes out of a sandbox: may it be asked there, and who may answer it?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import evolve

from nanoclaw.core import destinations, responders
from nanoclaw.core import questions as rules
from nanoclaw.core.approvals import PREFIX
from nanoclaw.core.channels import OF_PROGRAMS
from nanoclaw.core.destinations import Refused
from nanoclaw.core.responders import Resolved, Unknown
from nanoclaw.link.fields import is_id
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import InboundId, QuestionId
from nanoclaw.model.messages import Address, NewLedgerRow
from nanoclaw.model.questions import Question, QuestionState
from nanoclaw.store import button_tokens, channels, inbound, ledger, questions
from nanoclaw.store.button_tokens import Buttons
from nanoclaw.store.wirings import wiring_at
from schema import payloads
from schema.payloads import AskQuestion
from schema.sqlite import Connection


def judge_question(
    conn: Connection, place: SessionPlace, asked: AskQuestion, to: destinations.Resolved
) -> destinations.Resolved:
    """Where a question goes that is meant for *to*, or why it is not asked."""
    if isinstance(to, Refused):
        return to
    if (fault := _fault(conn, place, asked)) is not None:
        return Refused("bad-question", fault)
    named = _responders(conn, place, asked, to)
    return Refused("unknown-responder", named.why) if isinstance(named, Unknown) else to


def ask(
    conn: Connection,
    place: SessionPlace,
    asked: AskQuestion,
    new: NewLedgerRow,
    *,
    token: Callable[[], str],
    now: datetime,
) -> None:
    """Put a question into the ledger as *new*, and have it wait; each button says a token that no agent has seen."""
    tokens = button_tokens.mint_for(asked.options, token)
    shown = evolve(asked, options=button_tokens.with_tokens(asked.options, tokens))
    ledger.add(conn, evolve(new, content=payloads.write(shown)), session=place.session.id, now=now)
    question = _question_of(conn, place, asked, new, now=now)
    questions.add(conn, question)
    button_tokens.keep(conn, Buttons.QUESTION, question.id, tokens)


def _question_of(
    conn: Connection, place: SessionPlace, asked: AskQuestion, new: NewLedgerRow, *, now: datetime
) -> Question:
    seconds = asked.timeout_seconds
    named = _responders(conn, place, asked, new.to)
    assert not isinstance(named, Unknown)
    return Question(
        id=QuestionId(asked.question_id),
        session_id=place.session.id,
        ledger_id=new.id,
        asked_of=None if new.in_reply_to is None else questions.asked_of(conn, InboundId(new.in_reply_to)),
        channel=new.to.channel,
        platform_id=new.to.platform_id,
        thread_id=new.to.thread_id,
        title=asked.title,
        question=asked.question,
        options=questions.write_options(asked.options),
        state=QuestionState.OPEN,
        asked_at=now,
        expires_at=None if seconds is None else now + timedelta(seconds=seconds),
        ended_at=None,
        answered_by=None,
        answer=None,
        responders=None if named is None else questions.write_responders(named),
    )


def _responders(conn: Connection, place: SessionPlace, asked: AskQuestion, to: Address) -> Resolved | None:
    """Who may answer a question in *to*, if its agent says so."""
    if not asked.responders:
        return None
    return responders.resolve(
        asked.responders,
        questions.seen_in(conn, place.session.id, to),
        hears=wiring_at(conn, place.agent_group.id, to) is not None,
        programs=channels.kind_of(conn, to.channel) in OF_PROGRAMS,
    )


def _fault(conn: Connection, place: SessionPlace, asked: AskQuestion) -> str | None:
    """Why a question cannot be asked."""
    answer = questions.answer_id(QuestionId(asked.question_id))
    if not is_id(answer) or not asked.question_id or asked.question_id.startswith(PREFIX):
        return "the question's id is none"
    if questions.get(conn, QuestionId(asked.question_id)) is not None or inbound.get(conn, answer) is not None:
        return "a question of this id was asked before"
    if questions.waiting(conn, place.session.id) >= rules.MOST_OPEN:
        return f"{rules.MOST_OPEN} questions wait for an answer already"
    return rules.fault(asked)

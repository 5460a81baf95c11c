"""An event that answers a question: taken as that, in the transaction that stores the event.

A platform may say that somebody pressed an option, by the token that was made for it; then it is judged as an answer,
and whoever may not answer, or comes too late, is told. Where it only brings what people type, words are an answer as
long as they name an option of a question that waits there and that their sender may answer; all else is a message like
any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from nanoclaw.core import access
from nanoclaw.core import questions as rules
from nanoclaw.core.notices import plain
from nanoclaw.model.ids import EventId, QuestionId, SessionId
from nanoclaw.model.messages import Address, Choice, Drop, InboundEvent
from nanoclaw.model.questions import Question, QuestionState
from nanoclaw.model.rights import Standing
from nanoclaw.store import button_tokens, drops, inbound, notices, questions
from nanoclaw.store.button_tokens import Buttons
from nanoclaw.store.entities import messaging_group
from nanoclaw.store.ledger import Lane
from nanoclaw.store.people import note_user, rights_of
from nanoclaw.store.sessions import session_place
from nanoclaw.store.wirings import wiring_at
from schema import payloads
from schema.payloads import Option
from schema.rows import InKind
from schema.sqlite import Connection, scalar

MOST_SHOWN = 80
"""Characters of a question, and of what was said to it, that stand in the record of a refusal."""


@frozen(kw_only=True)
class Answered:
    """The event is the answer to a question."""

    question: Question
    option: Option

    @property
    def session(self) -> SessionId:
        """Whose agent asked."""
        return self.question.session_id


@frozen(kw_only=True)
class Outcome:
    """What follows from an answer."""

    asked_for: str | None
    """The platform's id of what made the agent ask."""
    lanes: frozenset[Lane]
    """Where the question says how it was answered."""


@frozen(kw_only=True)
class Unanswered:
    """The event is meant as an answer, and is none."""

    question: Question | None
    reason: str
    why: str


def find(conn: Connection, event: InboundEvent, place: Address) -> Answered | Unanswered | None:
    """What *event*, which came from *place*, means for a question; None: nothing."""
    if event.choice is None:
        return _typed(conn, event, place)
    question = questions.get(conn, event.choice.question)
    options = () if question is None else questions.options_of(question)
    verdict = rules.judge(
        question,
        options,
        None if question is None else _chosen(conn, question, options, event.choice),
        place=place,
        responders=None if question is None else questions.responders_of(question),
        who=_who(conn, event, question),
        answered_by=None if question is None else questions.answerer(conn, question),
    )
    if isinstance(verdict, rules.NotTaken):
        return Unanswered(question=question, reason=verdict.reason, why=verdict.why)
    assert question is not None
    return Answered(question=question, option=verdict.option)


def _chosen(conn: Connection, question: Question, options: Sequence[Option], choice: Choice) -> Option | None:
    """The option of *question* that was chosen: by its token, where a button says one; else by its words."""
    if choice.typed or not button_tokens.has_any(conn, question.id):
        return rules.meant(choice.said, options)
    value = button_tokens.value_of(conn, Buttons.QUESTION, question.id, choice.said)
    return next((option for option in options if option.value == value), None)


def _typed(conn: Connection, event: InboundEvent, place: Address) -> Answered | None:
    """The latest question that the words of *event* answer."""
    if event.attachments:
        return None
    for question in questions.open_in(conn, place):
        option = rules.meant(event.text, questions.options_of(question))
        if option is None:
            continue
        if rules.may_answer(question, questions.responders_of(question), _who(conn, event, question)):
            return Answered(question=question, option=option)
    return None


def store(conn: Connection, event_id: EventId, event: InboundEvent, found: Answered, *, now: datetime) -> Outcome:
    """End the question, have its message say so where that can be, and give its agent the answer.

    The event is stored already.
    """
    question = found.question
    note_user(conn, event.sender_id, event.sender, now=now)
    questions.close(conn, question.id, QuestionState.ANSWERED, by=event.sender_id, answer=found.option.value, now=now)
    said = payloads.QuestionResponse(
        question_id=question.id,
        question=question.question,
        value=found.option.value,
        label=found.option.label,
        by=event.sender,
    )
    answer = inbound.NewInbound(
        id=questions.answer_id(question.id),
        event_id=event_id,
        kind=InKind.SYSTEM,
        channel=question.channel,
        platform_id=question.platform_id,
        thread_id=question.thread_id,
        content=payloads.write(payloads.SystemIn(action=payloads.QUESTION_RESPONSE, text=payloads.write(said))),
    )
    inbound.add(conn, answer, session=question.session_id, now=now)
    return Outcome(
        asked_for=questions.asked_for(conn, question),
        lanes=questions.show_answer(conn, question, found.option.label, event.sender, event_id, now=now),
    )


def asked_for(conn: Connection, event: EventId) -> str | None:
    """The platform's id of what made the agent ask to which *event* was the answer; None: it was none."""
    found = scalar(conn, "SELECT id FROM inbound WHERE event_id = ? AND kind = 'system' AND trigger = 1", (event,))
    if found is None or not str(found).startswith(questions.ANSWER):
        return None
    question = questions.get(conn, QuestionId(str(found).removeprefix(questions.ANSWER)))
    return None if question is None else questions.asked_for(conn, question)


def record(
    conn: Connection, event_id: EventId, event: InboundEvent, found: Unanswered, place: Address, *, now: datetime
) -> frozenset[Lane]:
    """Keep why an event is no answer, and tell its sender, once; returns the lanes to send on.

    Whoever asks about a question that is none is told nothing in a chat: they may ask about as many as they like.
    """
    chat = messaging_group(conn, event.channel, event.platform_id)
    question = found.question
    agent = None if question is None else session_place(conn, question.session_id)
    drop = Drop(
        key=f"event:{event_id}",
        kind="event",
        event_id=event_id,
        session_id=None if question is None else question.session_id,
        agent_group_id=None if agent is None else agent.agent_group.id,
        messaging_group_id=None if chat is None else chat.id,
        sender_id=event.sender_id,
        reference=event.platform_message_id,
        reason=found.reason,
        detail=found.why if question is None else f"{found.why} ({_about(question, event)})",
        dropped_at=now,
    )
    drops.record(conn, drop)
    if question is None or found.reason == "no-question":
        return frozenset()
    key = f"question:{question.id}:{found.reason}:{event.sender_id}"
    text = found.why[0].upper() + found.why[1:] + "."
    return frozenset(notices.answer(conn, place, key=key, text=text, to_event=event_id, now=now))


def _about(question: Question, event: InboundEvent) -> str:
    """Which question it was, and what was said to it, for an operator. A token of a button says nothing to them."""
    said = "" if event.choice is not None and not event.choice.typed else f", said: “{plain(event.text, MOST_SHOWN)}”"
    return f"{question.id}: “{plain(question.question, MOST_SHOWN)}”{said}"


def _who(conn: Connection, event: InboundEvent, question: Question | None) -> rules.Answerer:
    """Who *event* comes from, as the agent stands to them that asks the *question*."""
    if question is None:
        return rules.Answerer(id=event.sender_id, standing=Standing.STRANGER, speaks=False)
    place = session_place(conn, question.session_id)
    assert place is not None
    agent = place.agent_group.id
    standing = access.standing(rights_of(conn, event.sender_id), agent)
    wired = wiring_at(conn, agent, question.place)
    speaks = wired is not None and access.may_speak(wired[0].unknown_sender_policy, wired[1].sender_scope, standing)
    return rules.Answerer(id=event.sender_id, standing=standing, speaks=speaks)

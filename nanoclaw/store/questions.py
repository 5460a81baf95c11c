"""Questions of agents in nanoclaw.db: asked once, ended once, by an answer, by time, or unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from nanoclaw.core.conversations import WEB
from nanoclaw.core.notices import plain
from nanoclaw.core.responders import Responders, Seen
from nanoclaw.model.ids import EventId, InboundId, OutboundId, QuestionId, SessionId, UserId
from nanoclaw.model.messages import Address, NewLedgerRow
from nanoclaw.model.questions import Question, QuestionState
from nanoclaw.store import inbound, ledger, notices
from nanoclaw.store.ledger import Lane
from schema import payloads
from schema.payloads import Option
from schema.rows import InKind, InStatus, OutKind, bindings, insert_sql, select
from schema.sqlite import Connection, execute, fetch, fetch_one, integer, scalar
from schema.times import write_time

ANSWER = payloads.answer_row("")
"""How the id of an inbound row begins that is the answer to a question; the question's own follows."""
MOST_SEEN = 2_000
"""The last messages of a session, among whose senders those are who may be named to answer."""
MOST_TITLE = 80
"""Characters of a question that is named in a sentence."""

IS_ONE_OPEN = (
    "EXISTS (SELECT 1 FROM questions INDEXED BY questions_open"
    " WHERE state = 'open' AND channel = :channel AND platform_id = :platform_id)"
)
"""Asked for every message that comes in, and there is hardly ever one: a step through an index."""


@frozen(kw_only=True)
class _Options:
    options: tuple[Option, ...]


def answer_id(question: QuestionId) -> InboundId:
    """The id of the row that will be its answer."""
    return InboundId(payloads.answer_row(question))


def add(conn: Connection, question: Question) -> None:
    """Let a question wait for its answer. Its message is in the ledger."""
    execute(conn, insert_sql("questions", Question), bindings(question))


def get(conn: Connection, question: QuestionId) -> Question | None:
    """The question of that id."""
    found = select(conn, Question, "SELECT * FROM questions WHERE id = ?", (question,))
    return found[0] if found else None


def open_in(conn: Connection, place: Address) -> list[Question]:
    """Those that wait for an answer in a place and may be seen there, the latest first."""
    return select(
        conn,
        Question,
        "SELECT q.* FROM questions q INDEXED BY questions_open JOIN ledger l ON l.id = q.ledger_id"
        " WHERE q.state = 'open' AND q.channel = ? AND q.platform_id = ? AND q.thread_id IS ?"
        " AND (l.state <> 'pending' OR l.doubt) ORDER BY l.position DESC",
        (place.channel, place.platform_id, place.thread_id),
    )


def waiting(conn: Connection, session: SessionId) -> int:
    """How many of *session* wait for an answer."""
    return integer(
        conn,
        "SELECT count(*) FROM questions INDEXED BY questions_session WHERE session_id = ? AND state = 'open'",
        (session,),
    )


def of_message(conn: Connection, ledger_id: str) -> list[QuestionId]:
    """What a message of the ledger asks: one, or none."""
    rows = fetch(conn, "SELECT id FROM questions WHERE ledger_id = ?", (ledger_id,))
    return [QuestionId(str(row["id"])) for row in rows]


def options_of(question: Question) -> Sequence[Option]:
    """What there is to choose from."""
    return payloads.read_as(_Options, question.options).options


def write_options(options: Sequence[Option]) -> str:
    """*options* as a row holds them."""
    return payloads.write(_Options(options=tuple(options)))


def responders_of(question: Question) -> Responders | None:
    """Who was named to answer; None: nobody."""
    return None if question.responders is None else payloads.read_as(Responders, question.responders)


def write_responders(responders: Responders) -> str:
    """*responders* as a row holds them."""
    return payloads.write(responders)


def seen_in(conn: Connection, session: SessionId, chat: Address) -> list[Seen]:
    """What people said in *chat*, whatever the thread, that *session* was given, of its last messages."""
    rows = fetch(
        conn,
        "SELECT i.seq, json_extract(i.content, '$.sender') AS name, e.sender_id FROM"
        " (SELECT * FROM inbound WHERE session_id = ? ORDER BY seq DESC LIMIT ?) i JOIN events e ON e.id = i.event_id"
        " WHERE i.kind IN ('chat', 'chat-sdk') AND i.channel = ? AND i.platform_id = ? AND e.sender_id IS NOT NULL",
        (session, MOST_SEEN, chat.channel, chat.platform_id),
    )
    return [
        Seen(number=int(str(row["seq"])), name=str(row["name"] or ""), person=UserId(str(row["sender_id"])))
        for row in rows
    ]


def asked_of(conn: Connection, message: InboundId) -> UserId | None:
    """Whom a question is for that comes of that *message*: who said it. None: nobody that is known, as of a task."""
    found = scalar(
        conn,
        "SELECT u.id FROM inbound i JOIN events e ON e.id = i.event_id JOIN users u ON u.id = e.sender_id"
        " WHERE i.id = ?",
        (message,),
    )
    return None if found is None else UserId(str(found))


def asked_for(conn: Connection, question: Question) -> str | None:
    """The platform's id of the message that made the agent ask; None: it was none."""
    found = scalar(
        conn,
        "SELECT e.platform_message_id FROM ledger l JOIN inbound i ON i.id = l.in_reply_to"
        " JOIN events e ON e.id = i.event_id WHERE l.id = ?",
        (question.ledger_id,),
    )
    return None if found is None else str(found)


def answerer(conn: Connection, question: Question) -> str | None:
    """The name of who has answered it."""
    if question.answered_by is None:
        return None
    return str(scalar(conn, "SELECT display_name FROM users WHERE id = ?", (question.answered_by,)))


def close(
    conn: Connection,
    question: QuestionId,
    state: QuestionState,
    *,
    by: UserId | None = None,
    answer: str | None = None,
    now: datetime,
) -> bool:
    """End a question, unless it has ended; says whether it was this that ended it."""
    written = execute(
        conn,
        "UPDATE questions SET state = ?, ended_at = ?, answered_by = ?, answer = ? WHERE id = ? AND state = 'open'",
        (state.value, write_time(now), by, answer, question),
    )
    return written > 0


def expire(conn: Connection, which: QuestionId, *, now: datetime) -> tuple[SessionId, set[Lane]] | None:
    """Nobody answered in time: its chat and its agent are told. None: it has been ended meanwhile, or has time left.

    An agent that still works on what made it ask finds out with its turn; any other is woken.
    """
    question = get(conn, which)
    if question is None or question.expires_at is None or question.expires_at > now:
        return None
    if not close(conn, which, QuestionState.EXPIRED, now=now):
        return None
    title = _title(question)
    _tell(conn, question, payloads.QUESTION_EXPIRED, f"nobody answered the question “{title}” in time", now=now)
    lanes = notices.tell_chat(
        conn,
        question.session_id,
        question.place,
        key=f"question-expired:{which}",
        text=f"The question “{title}” is closed: nobody answered in time.",
        in_reply_to=_asked_in_turn(conn, question),
        now=now,
    )
    return question.session_id, lanes


def undelivered(conn: Connection, ledger_id: str, why: str, *, now: datetime) -> None:
    """The message of a question did not arrive for certain: whoever waits for its answer is told."""
    found = select(conn, Question, "SELECT * FROM questions WHERE ledger_id = ?", (ledger_id,))
    for question in found:
        if close(conn, question.id, QuestionState.UNDELIVERED, now=now):
            text = f"nobody saw the question “{_title(question)}”: {plain(why)}"
            _tell(conn, question, payloads.QUESTION_UNDELIVERED, text, now=now)


def reopen(conn: Connection, ledger_id: str) -> None:
    """A person has the message of a question sent again that never arrived: it can be answered after all."""
    execute(
        conn,
        "UPDATE questions SET state = 'open', ended_at = NULL, expires_at = NULL"
        " WHERE ledger_id = ? AND state = 'undelivered'",
        (ledger_id,),
    )


def tell_taken_back(conn: Connection, question: Question, why: str, *, now: datetime) -> None:
    """Its agent does not remember that it asked: it is told with whatever comes next, and not woken."""
    text = f"the question “{_title(question)}” is closed: {plain(why)}"
    notices.tell_agent(
        conn,
        question.session_id,
        key=f"{payloads.QUESTION_EXPIRED}:{question.id}",
        action=payloads.QUESTION_EXPIRED,
        text=text,
        now=now,
    )


def show_answer(
    conn: Connection, question: Question, label: str, by: str, event: EventId, *, now: datetime
) -> frozenset[Lane]:
    """Have the message of a question say how it was answered; returns the lanes to send on."""
    words = f"{plain(by, MOST_TITLE)}: {plain(label)}"
    return show_end(conn, question, words, key="answered", event=event, now=now)


def show_end(
    conn: Connection, question: Question, words: str, *, key: str, event: EventId | None = None, now: datetime
) -> frozenset[Lane]:
    """Have the message of a question say what became of it, in place of its buttons; returns the lanes to send on.

    Where a message cannot change, nothing is shown (`core.speech`); a page of the host's own shows it by itself.
    """
    if question.channel == WEB:
        return frozenset()
    head = [line for line in dict.fromkeys((question.title, question.question)) if line.strip()]
    text = "\n".join([*head, f"— {words}"])
    content = payloads.write(payloads.Edit(seq=0, text=text))
    edit = NewLedgerRow(
        id=OutboundId(f"{question.ledger_id}/{key}"),
        epoch=None,
        runner_id=None,
        digest=hashlib.sha256(content.encode()).hexdigest(),
        seq=None,
        in_reply_to=event,
        to=question.place,
        kind=OutKind.EDIT.value,
        content=content,
        about=question.ledger_id,
    )
    ledger.add(conn, edit, session=None, now=now)
    return frozenset([Lane(question.channel, question.platform_id)])


def _title(question: Question) -> str:
    """The question, as it is named in a sentence."""
    return plain(question.title or question.question, MOST_TITLE)


def _tell(conn: Connection, question: Question, action: str, text: str, *, now: datetime) -> None:
    """Tell the agent, as somebody in the place of the question would: there it can say what follows."""
    asked_in = _asked_in_turn(conn, question)
    row = None if asked_in is None else inbound.get(conn, InboundId(asked_in))
    at_work = row is not None and row.status is InStatus.PENDING
    note = inbound.NewInbound(
        id=InboundId(f"note:{action}:{question.id}"),
        kind=InKind.SYSTEM,
        trigger=not at_work,
        channel=question.channel,
        platform_id=question.platform_id,
        thread_id=question.thread_id,
        content=payloads.write(payloads.SystemIn(action=action, text=text)),
    )
    inbound.add(conn, note, session=question.session_id, now=now)


def _asked_in_turn(conn: Connection, question: Question) -> str | None:
    found = fetch_one(conn, "SELECT in_reply_to FROM ledger WHERE id = ?", (question.ledger_id,))
    return None if found is None or found["in_reply_to"] is None else str(found["in_reply_to"])

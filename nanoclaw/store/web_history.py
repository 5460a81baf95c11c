"""Conversations of the web page as nanoclaw.db has them: a list, and stretches of what was said.

The page keeps nothing of its own. What an agent said is shown as delivery shows it, from the same row.
"""

from __future__ import annotations

from nanoclaw.core.conversations import (
    ABILITIES,
    WEB,
    Answered,
    Conversation,
    File,
    Item,
    Person,
    Said,
    Shown,
    Stretch,
)
from nanoclaw.core.speech import Say, ShowQuestion, speak
from nanoclaw.model.ids import EventId, OutboundId, QuestionId, SpoolId
from nanoclaw.model.messages import LedgerRow, LedgerState
from nanoclaw.model.questions import Question, QuestionState
from nanoclaw.store import files, ledger, questions, targets
from nanoclaw.store.labels import speaker_of
from schema import payloads
from schema.payloads import ChatIn
from schema.rows import InKind, OutKind
from schema.sqlite import Connection, Row, fetch, fetch_one, scalar
from schema.times import read_time

_ARRIVED = (LedgerState.SENDING, LedgerState.DELIVERED)
"""What is being sent to a page that reads the truth is there."""


def conversations(conn: Connection, person: Person) -> tuple[Conversation, ...]:
    """Those of *person*, in the order in which they were begun; their first one also before anybody heard of it."""
    found = [
        Conversation(
            id=str(row["platform_id"]),
            name=str(row["name"]),
            agents=tuple(str(row["agents"]).split("\n")) if row["agents"] else (),
            last=int(str(row["last"] or 0)),
        )
        for row in fetch(
            conn,
            "SELECT m.platform_id, m.name,"
            " (SELECT group_concat(a.name, char(10)) FROM wirings w JOIN agent_groups a ON a.id = w.agent_group_id"
            "   WHERE w.messaging_group_id = m.id) AS agents,"
            " (SELECT max(position) FROM web_feed f WHERE f.platform_id = m.platform_id) AS last"
            # Their ids begin with the handle and a slash; what comes after a slash is a nought.
            " FROM messaging_groups m WHERE m.channel = :web"
            " AND m.platform_id > :handle || '/' AND m.platform_id < :handle || '0' ORDER BY m.created_at, m.id",
            {"web": WEB, "handle": person.handle},
        )
        if person.owns(str(row["platform_id"]))
    ]
    if all(one.id != person.main for one in found):
        found.insert(0, Conversation(id=person.main, name="Chat", agents=(), last=0))
    return tuple(found)


def behind(conn: Connection, conversation: str, position: int, *, most: int) -> Stretch:
    """What came to be there after *position*: the first *most*."""
    rows = fetch(
        conn,
        "SELECT * FROM web_feed WHERE platform_id = ? AND position > ? ORDER BY position LIMIT ?",
        (conversation, position, most + 1),
    )
    return _stretch(conn, rows[:most], last=position, more=len(rows) > most)


def before(conn: Connection, conversation: str, position: int | None, *, most: int) -> Stretch:
    """What was there before *position*, or in the end where that is None: the last *most*."""
    rows = fetch(
        conn,
        "SELECT * FROM web_feed WHERE platform_id = ? AND position < coalesce(?, position + 1)"
        " ORDER BY position DESC LIMIT ?",
        (conversation, position, most + 1),
    )
    return _stretch(conn, rows[:most][::-1], last=0, more=len(rows) > most)


def knows(conn: Connection, platform_message_id: str) -> bool:
    """Is a message of that id stored?"""
    found = scalar(
        conn, "SELECT 1 FROM events WHERE channel = ? AND platform_message_id = ?", (WEB, platform_message_id)
    )
    return found is not None


def file_at(conn: Connection, person: Person, position: int, number: int) -> File | None:
    """The file with that *number* of the message at *position*, if it is in one of *person*'s conversations."""
    row = fetch_one(conn, "SELECT * FROM web_feed WHERE position = ?", (position,))
    if row is None or not person.owns(str(row["platform_id"])):
        return None
    item = _item(conn, row)
    found = () if item is None or isinstance(item, Answered) else item.files
    return found[number] if 0 <= number < len(found) else None


def _stretch(conn: Connection, rows: list[Row], *, last: int, more: bool) -> Stretch:
    items = tuple(item for row in rows if (item := _item(conn, row)) is not None)
    return Stretch(items=items, last=int(str(rows[-1]["position"])) if rows else last, more=more)


def _item(conn: Connection, row: Row) -> Item | None:
    """What is to be seen of one row of the feed; None: nothing, as of a button that was pressed."""
    position = int(str(row["position"]))
    if row["event_id"] is not None:
        return _said(conn, EventId(str(row["event_id"])), position)
    found = ledger.get(conn, OutboundId(str(row["ledger_id"])))
    return _shown(conn, found, position) if found is not None and found.state in _ARRIVED else None


def _said(conn: Connection, event: EventId, position: int) -> Said | Answered | None:
    row = fetch_one(
        conn,
        "SELECT i.id, i.kind, i.content, e.platform_message_id, e.received_at FROM events e"
        " JOIN inbound i ON i.event_id = e.id WHERE e.id = ? ORDER BY i.rowid LIMIT 1",
        (event,),
    )
    if row is None:
        return None
    heard = payloads.read_in(InKind(str(row["kind"])), str(row["content"]))
    if isinstance(heard, ChatIn):
        came = files.of_events(conn, [event])
        return Said(
            position=position,
            id=str(row["platform_message_id"]),
            at=read_time(str(row["received_at"])),
            sender=heard.sender,
            text=heard.text,
            files=tuple(File(name=one.name, size=one.size, spool_id=SpoolId(one.spool_id)) for one in came),
        )
    if not str(row["id"]).startswith(questions.ANSWER):
        return None
    question = questions.get(conn, QuestionId(str(row["id"]).removeprefix(questions.ANSWER)))
    answer = None if question is None else _answer(question)
    return (
        None if question is None or answer is None else Answered(position=position, question=question.id, answer=answer)
    )


def _shown(conn: Connection, row: LedgerRow, position: int) -> Shown | None:
    target = targets.target_of(conn, row) if row.kind in targets.KINDS else None
    say = speak(payloads.read_out(OutKind(row.kind), row.content), target, ABILITIES)
    if not isinstance(say, Say):
        return None
    waits, answer = _standing(conn, row, say.native.question) if isinstance(say.native, ShowQuestion) else (False, None)
    return Shown(
        position=position,
        key=row.id,
        at=row.settled_at or row.created_at,
        speaker=speaker_of(conn, row).name,
        text=say.text,
        native=say.native,
        files=tuple(
            File(name=one.name, size=one.size, spool_id=one.spool_id) for one in files.of_message(conn, row.id)
        ),
        waits=waits,
        answer=answer,
    )


def _standing(conn: Connection, row: LedgerRow, name: QuestionId) -> tuple[bool, str | None]:
    """Does the question that *row* asks, or the card that it is, wait for an answer; and which was given?"""
    if row.session_id is None:
        return scalar(conn, "SELECT state FROM approval_cards WHERE ledger_id = ?", (row.id,)) == "open", None
    question = questions.get(conn, name)
    if question is None:
        return False, None
    return question.state is QuestionState.OPEN, _answer(question)


def _answer(question: Question) -> str | None:
    """What was answered, in the words of the option."""
    return next(
        (option.label for option in questions.options_of(question) if option.value == question.answer), question.answer
    )

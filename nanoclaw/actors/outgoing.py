"""What becomes of one row of an outbox: a row of the ledger, a refusal with its reason, or nothing.

Where a message goes is decided here, by the host's own rows alone. A runner names destinations and numbers of messages;
what they mean is looked up in the truth, in its own session and no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core import destinations
from nanoclaw.core import questions as rules
from nanoclaw.core.destinations import Refused
from nanoclaw.link.fields import is_id
from nanoclaw.link.outbox_files import Collected
from nanoclaw.link.report import OutRow
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import ChannelName, EpochNumber, InboundId, OutboundId, QuestionId, RunnerMessageId, UserId
from nanoclaw.model.messages import Address, InboundRow, LedgerRow, LedgerState, NewLedgerRow
from nanoclaw.model.questions import Question, QuestionState
from nanoclaw.store import destinations as stored_destinations
from nanoclaw.store import inbound, ledger, questions
from nanoclaw.store.ticks import highest_seq
from schema.payloads import AskQuestion, ChatOut, Edit, Reaction, SystemOut
from schema.rows import InKind, OutKind
from schema.seq import is_runners
from schema.sqlite import Connection, scalar

MOST_AHEAD = 100_000
"""How far a runner's number may be above the highest the host knows in the session."""
CHANGEABLE = (OutKind.CHAT.value,)
"""The kinds of messages out that can be edited."""
VISIBLE = (OutKind.CHAT.value, OutKind.CARD.value, OutKind.ASK_QUESTION.value)
"""Those that can be reacted to."""

REPEATED = (OutKind.CHAT, OutKind.CARD)
"""Those of which the same again, when a turn is tried again, is once too many."""


@frozen
class NothingLeft:
    """A message of files alone, none of which can be sent."""


@frozen
class _Target:
    """The message that an edit or a reaction is about."""

    place: Address
    not_before: datetime | None


Judged: TypeAlias = NewLedgerRow | Refused | NothingLeft | None
Known: TypeAlias = Mapping[str, Address | None]


def judge(conn: Connection, place: SessionPlace, epoch: EpochNumber, row: OutRow, came: Collected) -> Judged:
    """Decide about one row: the ledger's new row, a refusal, or None for one that was absorbed before."""
    session = place.session.id
    runner_id = RunnerMessageId(row.id)
    known = ledger.digest_of(conn, session, epoch, runner_id)
    if known is not None:
        return None if known == row.digest else Refused("rewritten", "a row changed after it was read")
    # A number far ahead would leave none for the honest rows of later epochs.
    in_reach = is_runners(row.seq) and row.seq <= highest_seq(conn, session) + MOST_AHEAD
    if not in_reach or not ledger.seq_is_free(conn, session, row.seq):
        return Refused("bad-seq", f"{row.seq} is not a free number of a runner")
    answered = message_answered(conn, place, row.in_reply_to)
    names = stored_destinations.addresses(conn, place.agent_group.id)
    not_before = row.deliver_after
    to: Address | Refused
    match row.payload:
        case Edit() | Reaction():
            target = _target(conn, place, row.payload, names)
            if isinstance(target, Refused):
                return target
            to = target.place
            # It must not overtake what it is about.
            not_before = max((at for at in (not_before, target.not_before) if at is not None), default=None)
        case ChatOut(text="") if not came.files:
            return NothingLeft()
        case SystemOut():
            return Refused("not-carried", "the host knows no such request")
        case AskQuestion() if (fault := _fault(conn, place, row.payload)) is not None:
            return Refused("bad-question", fault)
        case _:
            to = destinations.resolve(row.destination, origin=address_of(answered) or home_of(place), known=names)
    if isinstance(to, Refused):
        return to
    new = NewLedgerRow(
        id=OutboundId(f"{session}/{epoch}/{runner_id}"),
        epoch=epoch,
        runner_id=runner_id,
        digest=row.digest,
        seq=row.seq,
        in_reply_to=None if answered is None else answered.id,
        to=to,
        kind=row.kind.value,
        content=row.content,
        not_before=not_before,
        files=came.files,
    )
    # A tool says things before its turn is over. When the turn is broken off and tried again, it says them again.
    tried = answered is not None and answered.tries > 0
    if tried and row.kind in REPEATED and ledger.said_before(conn, new, session=session):
        return Refused("said-before", "it was said in a turn that was broken off, and is there already")
    return new


def message_answered(conn: Connection, place: SessionPlace, claimed_id: str | None) -> InboundRow | None:
    """The row that a runner says it answers, if it is one of this session's."""
    row = None if claimed_id is None else inbound.get(conn, InboundId(claimed_id))
    return row if row is not None and row.session_id == place.session.id else None


def home_of(place: SessionPlace) -> Address | None:
    """Where the session itself is, if it is in one place."""
    chat = place.messaging_group
    if chat is None:
        return None
    return Address(channel=chat.channel, platform_id=chat.platform_id, thread_id=place.session.thread_id)


def address_of(row: InboundRow | LedgerRow | None) -> Address | None:
    """Where that message was said."""
    if row is None or row.channel is None or row.platform_id is None:
        return None
    return Address(channel=ChannelName(row.channel), platform_id=row.platform_id, thread_id=row.thread_id)


def question_of(
    conn: Connection, place: SessionPlace, asked: AskQuestion, new: NewLedgerRow, *, now: datetime
) -> Question:
    """The row of a question whose message is *new*."""
    seconds = asked.timeout_seconds
    sender = scalar(
        conn,
        "SELECT u.id FROM inbound i JOIN events e ON e.id = i.event_id JOIN users u ON u.id = e.sender_id"
        " WHERE i.id = ?",
        (new.in_reply_to,),
    )
    return Question(
        id=QuestionId(asked.question_id),
        session_id=place.session.id,
        ledger_id=new.id,
        asked_of=None if sender is None else UserId(str(sender)),
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
    )


def _target(conn: Connection, place: SessionPlace, said: Edit | Reaction, known: Known) -> _Target | Refused:
    """Look up what an edit or a reaction is about, in this session; may its agent still write there?"""
    session = place.session.id
    out = ledger.of_seq(conn, session, said.seq)
    came = inbound.of_seq(conn, session, said.seq) if out is None and isinstance(said, Reaction) else None
    if isinstance(said, Edit) and (out is None or out.epoch is None or out.kind not in CHANGEABLE):
        return Refused("unknown-message", f"there is no message {said.seq} of yours that could be changed")
    is_visible = out is not None and out.kind in VISIBLE
    is_heard = came is not None and came.event_id is not None and came.kind in (InKind.CHAT, InKind.CHAT_SDK)
    where = address_of(out or came)
    if where is None or not (is_visible or is_heard):
        return Refused("unknown-message", f"there is no message {said.seq} that could be reacted to")
    if not any(to is not None and _same_chat(to, where) for to in known.values()):
        return Refused("not-allowed", f"you may no longer write to where message {said.seq} is")
    waits = out is not None and out.state in (LedgerState.PENDING, LedgerState.SENDING)
    return _Target(where, out.not_before if out is not None and waits else None)


def _same_chat(one: Address, other: Address) -> bool:
    return (one.channel, one.platform_id) == (other.channel, other.platform_id)


def _fault(conn: Connection, place: SessionPlace, asked: AskQuestion) -> str | None:
    """Why a question cannot be asked."""
    answer = questions.answer_id(QuestionId(asked.question_id))
    if not is_id(answer) or not asked.question_id:
        return "the question's id is none"
    if questions.get(conn, QuestionId(asked.question_id)) is not None or inbound.get(conn, answer) is not None:
        return "a question of this id was asked before"
    if questions.waiting(conn, place.session.id) >= rules.MOST_OPEN:
        return f"{rules.MOST_OPEN} questions wait for an answer already"
    return rules.fault(asked)

"""What becomes of one row of an outbox: a row of the ledger, a refusal with its reason, or nothing.

Where a message goes is decided here, by the host's own rows alone. A runner names destinations and numbers of messages;
what they mean is looked up in the truth, in its own session and no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from attrs import frozen

from nanoclaw.actors.questions import judge_question
from nanoclaw.core import agent_mail, destinations
from nanoclaw.core.alterations import Altering, decide_alteration
from nanoclaw.core.destinations import Refused
from nanoclaw.link.outbox_files import Collected
from nanoclaw.link.report import OutRow
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber, InboundId, OutboundId, RunnerMessageId, SessionId
from nanoclaw.model.messages import Address, InboundRow, NewLedgerRow
from nanoclaw.store import destinations as stored_destinations
from nanoclaw.store import inbound, ledger
from nanoclaw.store.ticks import highest_seq
from schema.payloads import AskQuestion, ChatOut, Edit, Reaction, SystemOut
from schema.rows import OutKind
from schema.seq import is_runners
from schema.sqlite import Connection

MOST_AHEAD = 100_000
"""How far a runner's number may be above the highest the host knows in the session."""

REPEATED = (OutKind.CHAT, OutKind.CARD)
"""Those of which the same again, when a turn is tried again, is once too many."""


@frozen
class NothingLeft:
    """A message of files alone, none of which can be sent."""


Judged: TypeAlias = NewLedgerRow | Refused | NothingLeft | None


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
            altering = _altering(conn, session, row.payload, names.values())
            if isinstance(altering, Refused):
                return altering
            to = altering.place
            not_before = max((at for at in (not_before, altering.not_before) if at is not None), default=None)
        case ChatOut(text="") if not came.files:
            return NothingLeft()
        case SystemOut():
            return Refused("not-carried", "a request is no message")
        case AskQuestion():
            to = judge_question(conn, place, row.payload, _meant(row, destinations.origin_of(place, answered), names))
        case _:
            to = _meant(row, destinations.origin_of(place, answered), names)
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


def _meant(row: OutRow, origin: Address | None, names: Mapping[str, Address]) -> destinations.Resolved:
    """Where a message goes; not every one can go to an agent."""
    to = destinations.resolve(row.destination, origin=origin, known=names)
    if isinstance(to, Address) and to.is_agent:
        why = agent_mail.fault(row.kind, for_later=row.deliver_after is not None)
        return to if why is None else Refused("not-for-agents", why)
    return to


def message_answered(conn: Connection, place: SessionPlace, claimed_id: str | None) -> InboundRow | None:
    """The row that a runner says it answers, if it is one of this session's."""
    row = None if claimed_id is None else inbound.get(conn, InboundId(claimed_id))
    return row if row is not None and row.session_id == place.session.id else None


def _altering(conn: Connection, session: SessionId, said: Edit | Reaction, known: Iterable[Address]) -> Altering:
    """Look up what an edit or a reaction is about, in its own session."""
    return decide_alteration(
        said, ledger.of_seq(conn, session, said.seq), inbound.of_seq(conn, session, said.seq), known
    )

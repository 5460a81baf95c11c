"""What an edit or a reaction in the ledger is about: found by its number, in its own session alone.

The host's own messages have no number; an edit of one names it.
"""

from __future__ import annotations

from attrs import evolve

from nanoclaw.core.speech import Target
from nanoclaw.model.ids import OutboundId
from nanoclaw.model.messages import LedgerRow, LedgerState
from nanoclaw.store import inbound, ledger, parts
from schema import payloads
from schema.payloads import AskQuestion, Card, ChatIn, ChatOut, Edit, OutPayload, Reaction
from schema.rows import OutKind
from schema.sqlite import Connection, scalar

KINDS = (OutKind.EDIT.value, OutKind.REACTION.value)


def target_of(conn: Connection, row: LedgerRow) -> Target | None:
    """The message that *row*, which is of one of `KINDS`, is about; None: it is not known any more."""
    said = payloads.read_out(OutKind(row.kind), row.content)
    if not isinstance(said, Edit | Reaction):
        return None
    if row.session_id is None:
        own = None if row.about is None else ledger.get(conn, OutboundId(row.about))
        return None if own is None else evolve(_as_sent(conn, own), answered=own.session_id is not None)
    out = ledger.of_seq(conn, row.session_id, said.seq)
    if out is not None:
        return _as_sent(conn, out)
    came = inbound.of_seq(conn, row.session_id, said.seq)
    if came is None or came.event_id is None:
        return None
    heard = payloads.read_in(came.kind, came.content)
    on_platform = scalar(conn, "SELECT platform_message_id FROM events WHERE id = ?", (came.event_id,))
    return Target(
        platform_message_id=None if on_platform is None else str(on_platform),
        text=heard.text if isinstance(heard, ChatIn) else "",
    )


def _as_sent(conn: Connection, out: LedgerRow) -> Target:
    text = _words(payloads.read_out(OutKind(out.kind), out.content))
    stands = () if out.parts is None or out.parts == 1 else _stands(conn, out.id)
    return Target(platform_message_id=out.platform_message_id, text=text, why_not=_why_not(out), stands=stands)


def _stands(conn: Connection, out: OutboundId) -> tuple[str, ...]:
    """Where the text of a message stands that went out in parts; files alone are no text."""
    texts = [one for one in parts.of_message(conn, out) if one.part.text]
    ids = [one.platform_message_id for one in texts if one.platform_message_id is not None]
    return tuple(ids) if len(ids) == len(texts) else ()


def _why_not(out: LedgerRow) -> str | None:
    match out.state:
        case LedgerState.DELIVERED:
            return None
        case LedgerState.PENDING | LedgerState.SENDING:
            return "it has not been sent"
        case LedgerState.UNKNOWN | LedgerState.DEAD | LedgerState.REJECTED:
            return out.error or "nobody knows why"


def _words(said: OutPayload) -> str:
    match said:
        case ChatOut():
            return said.text
        case Card():
            return said.title
        case AskQuestion():
            return said.title or said.question
        case _:
            return ""

"""Cards in nanoclaw.db: an approval as it was sent to one person, through the ledger like any other message."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from nanoclaw.core import approvals as rules
from nanoclaw.model.approvals import Approval, Card, CardState, Shown
from nanoclaw.model.ids import ApprovalId, CardId, OutboundId, UserId
from nanoclaw.model.messages import Address, NewLedgerRow
from nanoclaw.store import button_tokens, ledger
from nanoclaw.store.button_tokens import Buttons
from nanoclaw.store.ledger import Lane
from schema import payloads
from schema.payloads import AskQuestion, Edit, Option
from schema.rows import OutKind, bindings, insert_sql, select
from schema.sqlite import Connection, execute, fetch, integer, scalar
from schema.times import read_time, write_time

CODE_DIGITS = 4
IS_ONE_OPEN = (
    "EXISTS (SELECT 1 FROM approval_cards INDEXED BY approval_cards_open"
    " WHERE state = 'open' AND channel = :channel AND platform_id = :platform_id)"
)
"""Asked for every message that comes in, and there is hardly ever one: a step through an index."""


def wanting(conn: Connection, *, now: datetime, most: int, without: Collection[ApprovalId] = ()) -> list[Approval]:
    """Approvals that wait and that nobody has a card of which is waited for (`is_waited_for`), but not *without*.

    First those without any card, then those whose cards are on their way for too long; of each the oldest first.
    """
    return select(
        conn,
        Approval,
        "SELECT a.* FROM approvals a INDEXED BY approvals_open"
        " WHERE a.state IN ('pending', 'executing') AND a.state = 'pending'"
        " AND NOT EXISTS (SELECT 1 FROM approval_cards c JOIN ledger l ON l.id = c.ledger_id"
        " WHERE c.approval_id = a.id AND c.state = 'open'"
        " AND NOT (l.state IN ('pending', 'sending') AND c.sent_at <= :since))"
        " AND a.id NOT IN (SELECT value FROM json_each(:without))"
        " ORDER BY EXISTS (SELECT 1 FROM approval_cards c WHERE c.approval_id = a.id AND c.state = 'open'),"
        " a.requested_at, a.id LIMIT :most",
        {
            "since": write_time(now - rules.ELSEWHERE_AFTER),
            "without": json.dumps(list(without)),
            "most": most,
        },
    )


def next_late(conn: Connection, *, now: datetime) -> datetime | None:
    """When the next card will have been on its way for too long, if it does not arrive; None: none is on its way."""
    found = scalar(
        conn,
        "SELECT min(c.sent_at) FROM approvals a INDEXED BY approvals_open"
        " JOIN approval_cards c ON c.approval_id = a.id JOIN ledger l ON l.id = c.ledger_id"
        " WHERE a.state IN ('pending', 'executing') AND a.state = 'pending' AND c.state = 'open'"
        " AND l.state IN ('pending', 'sending') AND c.sent_at > ?",
        (write_time(now - rules.ELSEWHERE_AFTER),),
    )
    return None if found is None else read_time(str(found)) + rules.ELSEWHERE_AFTER


def unreached(conn: Connection, *, now: datetime) -> frozenset[UserId]:
    """Those whose cards, whatever they are about, have been on their way for too long."""
    found = fetch(
        conn,
        "SELECT DISTINCT c.approver FROM approval_cards c INDEXED BY approval_cards_open"
        " JOIN ledger l ON l.id = c.ledger_id"
        " WHERE c.state = 'open' AND l.state IN ('pending', 'sending') AND c.sent_at <= ?",
        (write_time(now - rules.ELSEWHERE_AFTER),),
    )
    return frozenset(UserId(str(row["approver"])) for row in found)


def waited_for(conn: Connection, approval: ApprovalId, *, now: datetime) -> bool | None:
    """Is an open card of it waited for? None: nobody has one."""
    found = fetch(
        conn,
        "SELECT c.sent_at, l.state IN ('pending', 'sending') AS under_way"
        " FROM approval_cards c JOIN ledger l ON l.id = c.ledger_id"
        " WHERE c.approval_id = ? AND c.state = 'open'",
        (approval,),
    )
    if not found:
        return None
    return any(
        rules.is_waited_for(read_time(str(row["sent_at"])), arrived=not row["under_way"], now=now) for row in found
    )


def open_of(conn: Connection, approver: UserId) -> int:
    """How many open cards somebody has."""
    return integer(conn, "SELECT count(*) FROM approval_cards WHERE state = 'open' AND approver = ?", (approver,))


def asked(conn: Connection, approval: ApprovalId) -> frozenset[UserId]:
    """Who has a card of it, or had one that did not reach them."""
    found = select(
        conn, Card, "SELECT * FROM approval_cards WHERE approval_id = ? AND state IN ('open', 'lost')", (approval,)
    )
    return frozenset(card.approver for card in found)


def send(
    conn: Connection,
    approval: Approval,
    shown: Shown,
    options: Sequence[Option],
    *,
    to: Address,
    approver: UserId,
    token: Callable[[], str],
    now: datetime,
) -> Card:
    """Put a card into the ledger, with a token of its own for each of its *options*."""
    card = CardId(token())
    code = token()[:CODE_DIGITS]
    tokens = button_tokens.mint_for(options, token)
    said = AskQuestion(
        question_id=f"{rules.PREFIX}{card}/{code}",
        title=shown.title,
        question=rules.body(shown),
        options=button_tokens.with_tokens(options, tokens),
    )
    row = OutboundId(f"home/card/{card}")
    ledger.add(conn, _own(row, to, OutKind.ASK_QUESTION, said), session=None, now=now)
    sent = Card(
        id=card,
        approval_id=approval.id,
        ledger_id=row,
        approver=approver,
        channel=to.channel,
        platform_id=to.platform_id,
        code=code,
        state=CardState.OPEN,
        sent_at=now,
    )
    execute(conn, insert_sql("approval_cards", Card), bindings(sent))
    button_tokens.keep(conn, Buttons.CARD, card, tokens)
    return sent


def get(conn: Connection, card: CardId) -> Card | None:
    """The card of that id."""
    found = select(conn, Card, "SELECT * FROM approval_cards WHERE id = ?", (card,))
    return found[0] if found else None


def open_in(conn: Connection, place: Address) -> list[Card]:
    """Open cards that may be seen in a chat, the latest first."""
    return select(
        conn,
        Card,
        "SELECT c.* FROM approval_cards c INDEXED BY approval_cards_open JOIN ledger l ON l.id = c.ledger_id"
        " WHERE c.state = 'open' AND c.channel = ? AND c.platform_id = ? AND (l.state <> 'pending' OR l.doubt)"
        " ORDER BY l.position DESC",
        (place.channel, place.platform_id),
    )


def lost(conn: Connection, ledger_id: OutboundId) -> bool:
    """The message of a card is dead: says whether it was one, so that somebody else can be asked."""
    return (
        execute(conn, "UPDATE approval_cards SET state = 'lost' WHERE ledger_id = ? AND state = 'open'", (ledger_id,))
        > 0
    )


def arrived(conn: Connection, card: Card, *, now: datetime) -> None:
    """A button of *card* was pressed, so it is there, whatever its platform said: it will be told of what comes."""
    if card.state is CardState.LOST:
        execute(conn, "UPDATE approval_cards SET state = 'open' WHERE id = ?", (card.id,))
        ledger.found(conn, card.ledger_id, now=now)


def reopen(conn: Connection, ledger_id: OutboundId) -> bool:
    """A person has the message of a card sent again; False: what it asks for is over, and nothing is to be sent."""
    over = "SELECT 1 FROM approval_cards c JOIN approvals a ON a.id = c.approval_id"
    ended = f"{over} WHERE c.ledger_id = ? AND a.state NOT IN ('pending', 'executing')"
    if scalar(conn, ended, (ledger_id,)) is not None:
        return False
    execute(conn, "UPDATE approval_cards SET state = 'open' WHERE ledger_id = ? AND state = 'lost'", (ledger_id,))
    return True


def say(
    conn: Connection, approval: Approval, shown: Shown, words: str, *, last: bool, now: datetime
) -> frozenset[Lane]:
    """Let all open cards of *approval* say *words*, and with *last* be over; returns the lanes to send on."""
    found = select(
        conn, Card, "SELECT * FROM approval_cards WHERE approval_id = ? AND state = 'open' ORDER BY id", (approval.id,)
    )
    lanes = set()
    for card in found:
        if last:
            execute(conn, "UPDATE approval_cards SET state = 'over' WHERE id = ?", (card.id,))
        row = OutboundId(f"{card.ledger_id}/{approval.state.value}")
        if scalar(conn, "SELECT 1 FROM ledger WHERE id = ?", (row,)) is not None:
            continue
        text = "\n".join([shown.title, rules.body(shown), f"— {words[0].upper()}{words[1:]}."])
        edit = _own(row, card.place, OutKind.EDIT, Edit(seq=0, text=text), about=card, answers=approval.answered_in)
        ledger.add(conn, edit, session=None, now=now)
        lanes.add(Lane(card.channel, card.platform_id))
    return frozenset(lanes)


def _own(
    row: OutboundId,
    to: Address,
    kind: OutKind,
    said: AskQuestion | Edit,
    *,
    about: Card | None = None,
    answers: str | None = None,
) -> NewLedgerRow:
    content = payloads.write(said)
    return NewLedgerRow(
        id=row,
        epoch=None,
        runner_id=None,
        digest=hashlib.sha256(content.encode()).hexdigest(),
        seq=None,
        in_reply_to=answers,
        to=to,
        kind=kind.value,
        content=content,
        about=None if about is None else about.ledger_id,
    )

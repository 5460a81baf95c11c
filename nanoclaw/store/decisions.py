"""An event that decides about an approval: taken as that, in the transaction that stores the event.

A button says its token; what people type is a decision if it is an option and the code of a card that waits there.
Whoever did it is who the platform says, and what they may is what the truth says at this moment.
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from nanoclaw.core import access
from nanoclaw.core import approvals as rules
from nanoclaw.model.approvals import Approval
from nanoclaw.model.ids import AgentGroupId, ApprovalId, CardId, EventId, UserId
from nanoclaw.model.messages import Address, Drop, InboundEvent
from nanoclaw.model.rights import Standing
from nanoclaw.store import approval_audit, approval_cards, approvals, button_tokens, drops, notices
from nanoclaw.store.button_tokens import Buttons
from nanoclaw.store.entities import messaging_group
from nanoclaw.store.ledger import Lane
from nanoclaw.store.people import note_user, rights_of
from schema.payloads import Option
from schema.sqlite import Connection

DECIDED = "decided-approval"
"""The reason in the record of an event that was a decision: nobody else hears it."""
WHAT_NAME = f"What shall the new agent be called? Say its name, or {rules.CANCEL!r}."
THOUGHT_BETTER = "No agent was made. The card still waits for a decision."


@frozen(kw_only=True)
class Decision:
    """The event decides."""

    approval: ApprovalId
    option: Option | None
    """None: a name was asked for, and whoever was asked thinks better of it."""


@frozen(kw_only=True)
class NoDecision:
    """The event is meant as a decision, and is none."""

    approval: ApprovalId | None
    reason: str
    why: str


def find(conn: Connection, event: InboundEvent, place: Address, *, now: datetime) -> Decision | NoDecision | None:
    """What *event*, which came from *place*, means for an approval; None: nothing."""
    if event.choice is None:
        return _typed(conn, event, place, now)
    if not event.choice.question.startswith(rules.PREFIX):
        return None
    card = approval_cards.get(conn, _card_of(event.choice.question))
    if card is None or not card.place.is_in_chat_of(place):
        return _judge(conn, event, None, None, now)
    approval = approvals.get(conn, card.approval_id)
    assert approval is not None
    options = approvals.options_of(approval)
    value = button_tokens.value_of(conn, Buttons.CARD, card.id, event.choice.said)
    pressed = next((option for option in options if option.value == value), None)
    return _judge(conn, event, approval, pressed or rules.meant(event.choice.said, options, card.code), now)


def _typed(conn: Connection, event: InboundEvent, place: Address, now: datetime) -> Decision | NoDecision | None:
    """The card that the words of *event* are for."""
    for card in approval_cards.open_in(conn, place):
        approval = approvals.get(conn, card.approval_id)
        assert approval is not None
        option = rules.meant(event.text, approvals.options_of(approval), card.code)
        if option is not None:
            return _judge(conn, event, approval, option, now)
        if rules.is_naming(approval, event.sender_id, now):
            return _named(conn, event, approval, now)
    return None


def _named(conn: Connection, event: InboundEvent, approval: Approval, now: datetime) -> Decision | NoDecision:
    """What was said by somebody who is asked for a name."""
    said = rules.named(event.text)
    if isinstance(said, rules.NotDecided):
        return NoDecision(approval=approval.id, reason=said.reason, why=said.why)
    verdict = _judge(conn, event, approval, said or rules.NEW, now)
    return Decision(approval=approval.id, option=None) if said is None and isinstance(verdict, Decision) else verdict


def _judge(
    conn: Connection, event: InboundEvent, approval: Approval | None, option: Option | None, now: datetime
) -> Decision | NoDecision:
    verdict = rules.judge(
        approval,
        option,
        standing=Standing.STRANGER if approval is None else standing(conn, event.sender_id, approval.agent_group_id),
        decided_by=None if approval is None else approvals.decider(conn, approval),
        now=now,
    )
    if isinstance(verdict, rules.NotDecided):
        return NoDecision(approval=None if approval is None else approval.id, reason=verdict.reason, why=verdict.why)
    assert approval is not None
    return Decision(approval=approval.id, option=verdict.option)


def standing(conn: Connection, user: UserId, agent: AgentGroupId | None) -> Standing:
    """What *user* is to *agent*, or to all agents."""
    return access.standing(rights_of(conn, user), agent or AgentGroupId(""))


def store(
    conn: Connection,
    event_id: EventId,
    event: InboundEvent,
    found: Decision | NoDecision,
    place: Address,
    now: datetime,
) -> frozenset[Lane]:
    """Do what the event decides, or keep why it decides nothing and tell its sender, once; returns the lanes.

    The event is stored already. Whoever asks about a card that is none is told nothing: they may be guessing.
    """
    lanes: frozenset[Lane] = frozenset()
    if isinstance(found, Decision):
        note_user(conn, event.sender_id, event.sender, now=now)
        label = "cancelled" if found.option is None else f"“{found.option.label}”"
        reason, detail = DECIDED, f"{label}: {found.approval}"
        if found.option in (rules.NEW, None):
            by = None if found.option is None else event.sender_id
            approvals.ask_name(conn, found.approval, by=by, now=now)
            text = THOUGHT_BETTER if by is None else WHAT_NAME
            key = f"approval:{found.approval}:name:{event_id}"
            lanes = frozenset(notices.answer(conn, place, key=key, text=text, to_event=event_id, now=now))
        else:
            assert found.option is not None
            _shown(conn, event, now)
            taken = approvals.decide(conn, found.approval, found.option, by=event.sender_id, event=event_id, now=now)
            assert taken is not None  # it was judged in this very transaction
            lanes = taken
    else:
        reason, detail = found.reason, found.why
        if found.approval is not None:
            if (about := approvals.get(conn, found.approval)) is not None:
                approval_audit.not_decided(conn, about, event.sender_id, detail, at=now)
            again = f":{event_id}" if reason == "no-name" else ""
            key = f"approval:{found.approval}:{reason}:{event.sender_id}{again}"
            text = f"{detail[0].upper()}{detail[1:]}."
            lanes = frozenset(notices.answer(conn, place, key=key, text=text, to_event=event_id, now=now))
    chat = messaging_group(conn, event.channel, event.platform_id)
    drops.record(
        conn,
        Drop(
            key=f"event:{event_id}",
            kind="event",
            event_id=event_id,
            messaging_group_id=None if chat is None else chat.id,
            sender_id=event.sender_id,
            reference=event.platform_message_id,
            reason=reason,
            detail=detail,
            dropped_at=now,
        ),
    )
    return lanes


def _shown(conn: Connection, event: InboundEvent, now: datetime) -> None:
    """The card whose button *event* is, is there."""
    card = None if event.choice is None else approval_cards.get(conn, _card_of(event.choice.question))
    if card is not None:
        approval_cards.arrived(conn, card, now=now)


def _card_of(question: str) -> CardId:
    """The card that a button says it is on."""
    return CardId(question.removeprefix(rules.PREFIX).partition("/")[0])

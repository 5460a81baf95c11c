"""What a code that was said in time puts into the truth: an owner, their chat, and the agents that hear it."""

from __future__ import annotations

from datetime import datetime

from nanoclaw.core.pairing import DIGITS
from nanoclaw.model.approvals import ApprovalKind
from nanoclaw.model.entities import MessagingGroup
from nanoclaw.model.ids import MessagingGroupId, RoleId
from nanoclaw.model.messages import Address, Drop, InboundEvent
from nanoclaw.model.rights import Grant, Role
from nanoclaw.store import audit, drops, notices, people
from nanoclaw.store.approvals import decide, matching
from nanoclaw.store.askings import SEEN_TO
from nanoclaw.store.audit import Outcome
from nanoclaw.store.entities import Mint, add_messaging_group, messaging_group
from nanoclaw.store.ledger import Lane
from nanoclaw.store.wirings import wire_direct, wirings_of
from schema.sqlite import Connection

PAIRED = "channels paired"
"""The act in the audit."""
WELCOME = "This is you from now on: you own this home, and can write to its agents here."


def pair(conn: Connection, event: InboundEvent, *, like: Address, mint: Mint, now: datetime) -> frozenset[Lane]:
    """Make the sender of *event* an owner, whose chat is heard by whoever hears *like*; returns the lanes to send on.

    Safe to repeat. A chat that is wired already stays as it is.
    """
    people.note_user(conn, event.sender_id, event.sender, now=now)
    owner = Grant(
        id=RoleId(mint("role")),
        user_id=event.sender_id,
        role=Role.OWNER,
        agent_group_id=None,
        granted_by=None,
        granted_at=now,
    )
    people.grant(conn, owner)
    audit.record(conn, who=event.sender_id, what=PAIRED, on=event.channel, detail="an owner from now on", at=now)
    for waiting in matching(conn, ApprovalKind.SENDER, sender=event.sender_id):
        decide(conn, waiting.id, SEEN_TO, by=event.sender_id, now=now)
    chat = _chat(conn, event, mint, now)
    heard_by = messaging_group(conn, like.channel, like.platform_id)
    if heard_by is not None and not wirings_of(conn, chat.id):
        for wiring in wirings_of(conn, heard_by.id):
            wire_direct(conn, chat.id, wiring.agent_group_id, mint=mint, now=now)
    place = Address(channel=event.channel, platform_id=event.platform_id)
    key = f"paired:{event.channel}:{event.platform_message_id}"
    _record(conn, event, "paired", now)
    return frozenset(notices.tell_chat(conn, None, place, key=key, text=WELCOME, now=now))


def guessed(conn: Connection, event: InboundEvent, *, now: datetime) -> None:
    """Keep that somebody said a code that was none. Not what they said: it may be nearly right."""
    _record(conn, event, "wrong-code", now)
    audit.record(conn, who=event.sender_id, what=PAIRED, on=event.channel, outcome=Outcome.REFUSED, at=now)


def _chat(conn: Connection, event: InboundEvent, mint: Mint, now: datetime) -> MessagingGroup:
    chat = messaging_group(conn, event.channel, event.platform_id)
    if chat is None:
        chat = MessagingGroup(
            id=MessagingGroupId(mint("chat")),
            channel=event.channel,
            platform_id=event.platform_id,
            name=event.sender,
            is_group=False,
            created_at=now,
        )
        add_messaging_group(conn, chat)
    return chat


def _record(conn: Connection, event: InboundEvent, reason: str, now: datetime) -> None:
    drop = Drop(
        key=f"pairing:{event.channel}:{event.platform_message_id}",
        kind="event",
        sender_id=event.sender_id if reason == "paired" else None,
        reference=event.platform_message_id,
        reason=reason,
        detail=f"a message of {DIGITS} digits from {event.sender_id}",
        dropped_at=now,
    )
    drops.record(conn, drop)

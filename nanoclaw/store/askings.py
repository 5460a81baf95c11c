"""What people are asked about strangers: may an agent hear this chat, may somebody speak to an agent there?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import evolve

from nanoclaw.core.approvals import NEW, REJECT, field
from nanoclaw.core.notices import plain
from nanoclaw.model.approvals import Approval, ApprovalKind, Needs, Shown
from nanoclaw.model.entities import AgentGroup, MessagingGroup
from nanoclaw.model.ids import AgentGroupId, ApprovalId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.store.approvals import new
from schema.payloads import MOST_OPTIONS, Option

ALLOW_OR_DENY = (Option(label="Allow", value="approve"), Option(label="Deny", value=REJECT.value))
CONNECT = "connect:"
"""How the value of an option begins that wires a chat; the agent group's id follows."""
SEEN_TO = Option(label="Seen to", value="seen-to")
"""On no card: what was asked for was done by hand, and only what was kept is still to be given to whoever hears it."""
MOST_NAME = 80


def about_chat(
    approval: ApprovalId, chat: MessagingGroup, event: InboundEvent, groups: Sequence[AgentGroup], *, now: datetime
) -> Approval:
    """Somebody spoke to us where no agent listens."""
    payload = _who(chat, event) | {"is_group": event.is_group}
    shown = Shown(
        "An agent is addressed where none listens" if event.is_group else "Somebody writes whom no agent hears",
        (
            *_lines(chat, event),
            "If it is connected, that agent hears this chat and may write there.",
            "Whoever this is may then speak to that agent in all its chats, and what they said is given to it.",
        ),
    )
    # Folders are short, plain, and nobody else's; names need not be.
    connect = [Option(label=f"Connect to {group.folder}", value=f"{CONNECT}{group.id}") for group in groups]
    options = (*connect[: MOST_OPTIONS - 2], NEW, REJECT)
    asked = new(approval, ApprovalKind.CHAT, subject_of(chat, event, None), payload, shown, options, now=now)
    return evolve(asked, messaging_group_id=chat.id, needs=Needs.GLOBAL_ADMIN)


def about_sender(
    approval: ApprovalId, chat: MessagingGroup, event: InboundEvent, group: AgentGroup, *, now: datetime
) -> Approval:
    """Somebody spoke to an agent who has no right to."""
    payload = _who(chat, event) | {"agent_group": group.id}
    shown = Shown(
        "Somebody wants to speak to an agent",
        (
            field("Agent", plain(group.name, MOST_NAME)),
            *_lines(chat, event),
            "If you allow it, they may speak to this agent in all its chats, and what they said is given to it.",
        ),
    )
    subject = subject_of(chat, event, group.id)
    asked = new(approval, ApprovalKind.SENDER, subject, payload, shown, ALLOW_OR_DENY, now=now)
    return evolve(asked, messaging_group_id=chat.id, agent_group_id=group.id)


def subject_of(chat: MessagingGroup, event: InboundEvent, agent: AgentGroupId | None) -> str:
    """What makes two requests the same: about a chat, that chat; about a sender, them and the agent in it."""
    return str(chat.id) if agent is None else f"{chat.id}/{agent}/{event.sender_id}"


def _who(chat: MessagingGroup, event: InboundEvent) -> dict[str, object]:
    return {"sender_id": event.sender_id, "sender": plain(event.sender, MOST_NAME), "chat": chat.id}


def _lines(chat: MessagingGroup, event: InboundEvent) -> tuple[str, ...]:
    return (
        field("Who", plain(event.sender, MOST_NAME)),
        field("Their id", event.sender_id),
        field("Chat", f"{chat.name} ({chat.channel})"),
    )

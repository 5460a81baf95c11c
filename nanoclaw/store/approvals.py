"""What waits for a person's approval. Asking twice for the same thing is asking once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from attrs import frozen

from nanoclaw.model.ids import AgentGroupId, ApprovalId, MessagingGroupId, SessionId, UserId
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute, integer
from schema.times import write_time

MOST_WAITING = 100
"""Requests about one chat that wait at a time: strangers must not fill the disk by asking."""


class ApprovalKind(Enum):
    """What is asked for."""

    CHAT = "chat"  # that an agent hears a chat
    SENDER = "sender"  # that somebody may speak to an agent
    REQUEST = "request"  # that something an agent wants is done


class ApprovalState(Enum):
    """Where a request stands."""

    PENDING = "pending"
    EXECUTING = "executing"
    DONE = "done"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FAILED = "failed"


@frozen(kw_only=True)
class Approval:
    """One request, and what became of it."""

    id: ApprovalId
    kind: ApprovalKind
    subject: str
    """What it is about: while one waits, there is no second."""
    messaging_group_id: MessagingGroupId | None = None
    agent_group_id: AgentGroupId | None = None
    session_id: SessionId | None = None
    payload: str
    """JSON, keys sorted: exactly what would be done."""
    digest: str
    """SHA-256 of the payload."""
    state: ApprovalState = ApprovalState.PENDING
    requested_at: datetime
    expires_at: datetime | None = None
    answered_by: UserId | None = None
    answered_at: datetime | None = None
    result: str | None = None


def canonical(payload: Mapping[str, object]) -> str:
    """*payload* as text: the same for the same meaning."""
    return json.dumps(payload, sort_keys=True, ensure_ascii=False)


def request(
    conn: Connection,
    approval: ApprovalId,
    kind: ApprovalKind,
    subject: str,
    payload: Mapping[str, object],
    *,
    chat: MessagingGroupId,
    agent: AgentGroupId | None,
    now: datetime,
) -> None:
    """Ask for something about *chat*. Nothing changes where the same waits already, or too much does."""
    waiting = integer(
        conn, "SELECT count(*) FROM approvals WHERE messaging_group_id = ? AND state = 'pending'", (chat,)
    )
    if waiting >= MOST_WAITING:
        return
    text = canonical(payload)
    asked = Approval(
        id=approval,
        kind=kind,
        subject=subject,
        messaging_group_id=chat,
        agent_group_id=agent,
        payload=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        requested_at=now,
    )
    execute(conn, insert_sql("approvals", Approval) + " ON CONFLICT DO NOTHING", bindings(asked))


def approvals(conn: Connection) -> list[Approval]:
    """All of them, the newest first."""
    return select(conn, Approval, "SELECT * FROM approvals ORDER BY requested_at DESC, id")


def settle(
    conn: Connection,
    kind: ApprovalKind,
    state: ApprovalState,
    result: str,
    *,
    by: UserId,
    now: datetime,
    chat: MessagingGroupId | None = None,
    agent: AgentGroupId | None = None,
    sender: UserId | None = None,
) -> None:
    """Answer every waiting request of that *kind* about *chat*, *agent* and *sender*; None means about any."""
    execute(
        conn,
        "UPDATE approvals SET state = :state, result = :result, answered_by = :by, answered_at = :now"
        " WHERE kind = :kind AND state = 'pending' AND messaging_group_id = coalesce(:chat, messaging_group_id)"
        " AND coalesce(agent_group_id, '') = coalesce(:agent, agent_group_id, '')"
        " AND json_extract(payload, '$.sender_id') = coalesce(:sender, json_extract(payload, '$.sender_id'))",
        {
            "state": state.value,
            "result": result,
            "by": by,
            "now": write_time(now),
            "kind": kind.value,
            "chat": chat,
            "agent": agent,
            "sender": sender,
        },
    )

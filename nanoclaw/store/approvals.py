"""What waits for a decision in nanoclaw.db: asked for once, decided once, ended once, and told in every case."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import frozen

from nanoclaw.core import approvals as rules
from nanoclaw.core.digests import canonical, digest_of
from nanoclaw.model.approvals import Approval, ApprovalKind, ApprovalState, Shown
from nanoclaw.model.ids import AgentGroupId, ApprovalId, EventId, MessagingGroupId, SessionId, UserId
from nanoclaw.store import approval_audit, approval_cards, kept, notices
from nanoclaw.store.ledger import Lane
from schema import payloads
from schema.payloads import Option
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute, fetch, integer, scalar
from schema.times import write_time

MOST_WAITING = 100
"""Requests about one chat that wait at a time: strangers must not fill the disk by asking."""
RESULT = "approval_result"
"""The action of the note that tells an agent what became of what it asked for."""


@frozen(kw_only=True)
class _Options:
    options: tuple[Option, ...]


def new(
    approval: ApprovalId,
    kind: ApprovalKind,
    subject: str,
    payload: Mapping[str, object],
    shown: Shown,
    options: Sequence[Option],
    *,
    now: datetime,
) -> Approval:
    """A request that can wait until a week from *now*."""
    text = canonical(payload)
    return Approval(
        id=approval,
        kind=kind,
        subject=subject,
        payload=text,
        digest=digest_of(text),
        title=shown.title,
        lines=json.dumps(shown.lines, ensure_ascii=False),
        options=payloads.write(_Options(options=tuple(options))),
        requested_at=now,
        expires_at=now + rules.LASTS,
    )


def request(conn: Connection, asked: Approval) -> ApprovalId | None:
    """Let *asked* wait, unless the same does; returns which one waits.

    None: too much waits about its chat, or it is about somebody who was denied just now.
    """
    if (known := open_one(conn, asked.kind, asked.subject)) is not None:
        return known.id
    if was_denied(conn, asked.kind, asked.subject, now=asked.requested_at):
        return None
    about = asked.messaging_group_id
    if about is not None and _waiting(conn, "messaging_group_id", about) >= MOST_WAITING:
        return None
    execute(conn, insert_sql("approvals", Approval), bindings(asked))
    approval_audit.asked(conn, asked)
    return asked.id


def open_one(conn: Connection, kind: ApprovalKind, subject: str) -> Approval | None:
    """The one of that kind and subject that waits, or is being done."""
    found = select(
        conn,
        Approval,
        "SELECT * FROM approvals WHERE kind = ? AND subject = ? AND state IN ('pending', 'executing')",
        (kind.value, subject),
    )
    return found[0] if found else None


def waiting_of(conn: Connection, agent: AgentGroupId) -> int:
    """How many requests of an agent group itself wait, those about strangers aside."""
    return integer(
        conn,
        "SELECT count(*) FROM approvals WHERE agent_group_id = ? AND state = 'pending'"
        " AND (session_id IS NOT NULL OR kind NOT IN ('chat', 'sender'))",
        (agent,),
    )


def was_denied(conn: Connection, kind: ApprovalKind, subject: str, *, now: datetime) -> bool:
    """Has somebody said no to the same a short while ago, of what would be asked again and again?"""
    if kind not in (ApprovalKind.SENDER, ApprovalKind.SECRET, ApprovalKind.EGRESS):
        return False
    found = scalar(
        conn,
        "SELECT 1 FROM approvals WHERE kind = ? AND subject = ? AND state = 'rejected' AND ended_at > ?",
        (kind.value, subject, write_time(now - rules.ASKED_AGAIN_AFTER)),
    )
    return found is not None


def approvals(conn: Connection) -> list[Approval]:
    """All of them, the newest first."""
    return select(conn, Approval, "SELECT * FROM approvals ORDER BY requested_at DESC, id")


def get(conn: Connection, approval: ApprovalId) -> Approval | None:
    """The one of that id."""
    found = select(conn, Approval, "SELECT * FROM approvals WHERE id = ?", (approval,))
    return found[0] if found else None


def executing(conn: Connection) -> list[ApprovalId]:
    """Those that somebody has approved and that are not done."""
    # Both conditions: the first is the index's own, without which it is not known to hold them all.
    rows = fetch(
        conn,
        "SELECT id FROM approvals INDEXED BY approvals_open"
        " WHERE state IN ('pending', 'executing') AND state = 'executing' ORDER BY id",
    )
    return [ApprovalId(str(row["id"])) for row in rows]


def options_of(approval: Approval) -> Sequence[Option]:
    """What there is to choose from."""
    return payloads.read_as(_Options, approval.options).options


def shown_of(approval: Approval) -> Shown:
    """What people are shown."""
    return Shown(approval.title, tuple(json.loads(approval.lines)))


def decider(conn: Connection, approval: Approval) -> str | None:
    """The name of who has decided."""
    if approval.answered_by is None:
        return None
    return str(scalar(conn, "SELECT display_name FROM users WHERE id = ?", (approval.answered_by,)))


def decide(
    conn: Connection,
    approval: ApprovalId,
    option: Option,
    *,
    by: UserId,
    event: EventId | None = None,
    now: datetime,
) -> frozenset[Lane] | None:
    """Somebody who may has chosen: what was approved is to be done from now on, anything else ends here.

    Returns the lanes to send on; None: it was not theirs any more, because it is decided or its time is over.
    """
    written = execute(
        conn,
        "UPDATE approvals SET state = 'executing', answer = :answer, answered_by = :by, answered_at = :now,"
        " answered_in = :event"
        " WHERE id = :id AND state = 'pending' AND coalesce(expires_at > :now, 1)",
        {"id": approval, "answer": option.value, "by": by, "event": event, "now": write_time(now)},
    )
    if not written:
        return None
    approval_audit.decided(conn, get(conn, approval), option, at=now)
    if option.value == rules.REJECT.value:
        # Whoever says no to a chat is asked about it no more.
        execute(
            conn,
            "UPDATE messaging_groups SET denied_at = ? WHERE id ="
            " (SELECT messaging_group_id FROM approvals WHERE id = ? AND kind = 'chat')",
            (write_time(now), approval),
        )
        return end(conn, approval, ApprovalState.REJECTED, None, now=now)
    return frozenset()


def ask_name(conn: Connection, approval: ApprovalId, *, by: UserId | None, now: datetime) -> None:
    """What *by* says next is the name of a new agent; None: nobody is asked for one any more."""
    execute(
        conn,
        "UPDATE approvals SET answer = ?, answered_by = ?, answered_at = ? WHERE id = ? AND state = 'pending'",
        (None if by is None else rules.NEW.value, by, None if by is None else write_time(now), approval),
    )


def end(
    conn: Connection,
    approval: ApprovalId,
    state: ApprovalState,
    result: str | None,
    *,
    wake: bool = True,
    now: datetime,
) -> frozenset[Lane]:
    """End a request, unless it has ended: what was kept for it goes, its cards say so, and whoever asked is told.

    An agent that asked is woken by it, unless not *wake*. Returns the lanes to send on.
    """
    written = execute(
        conn,
        "UPDATE approvals SET state = ?, result = ?, ended_at = ? WHERE id = ? AND state IN ('pending', 'executing')",
        (state.value, result, write_time(now), approval),
    )
    if not written:
        return frozenset()
    kept.forget(conn, approval)
    ended = get(conn, approval)
    assert ended is not None
    approval_audit.ended(conn, ended, at=now)
    words = rules.outcome(ended, decider(conn, ended))
    if ended.session_id is not None:
        tell_asker(conn, ended, words, key="end", wake=wake, now=now)
    return approval_cards.say(conn, ended, shown_of(ended), words, last=True, now=now)


def tell_asker(conn: Connection, approval: Approval, words: str, *, key: str, wake: bool = True, now: datetime) -> None:
    """Tell the agent that asked, and wake it, unless not *wake*. The same *key* again changes nothing."""
    assert approval.session_id is not None
    notices.tell_agent(
        conn,
        approval.session_id,
        key=f"approval:{approval.id}:{key}",
        action=RESULT,
        text=f"{approval.id}, “{approval.title}”: {words}",
        wake=wake,
        now=now,
    )


def expire(conn: Connection, which: ApprovalId, *, now: datetime) -> tuple[SessionId | None, frozenset[Lane]] | None:
    """Nobody decided in time. None: somebody has meanwhile, or there is time left."""
    approval = get(conn, which)
    if approval is None or approval.state is not ApprovalState.PENDING or not rules.is_late(approval, now):
        return None
    return approval.session_id, end(conn, which, ApprovalState.EXPIRED, "nobody decided in time", now=now)


def matching(
    conn: Connection,
    kind: ApprovalKind,
    *,
    chat: MessagingGroupId | None = None,
    agent: AgentGroupId | None = None,
    sender: UserId | None = None,
) -> list[Approval]:
    """Every pending request of that *kind* about *chat*, *agent* and *sender*; None means about any."""
    return select(
        conn,
        Approval,
        "SELECT * FROM approvals"
        " WHERE kind = :kind AND state = 'pending' AND messaging_group_id = coalesce(:chat, messaging_group_id)"
        " AND coalesce(agent_group_id, '') = coalesce(:agent, agent_group_id, '')"
        " AND json_extract(payload, '$.sender_id') = coalesce(:sender, json_extract(payload, '$.sender_id'))"
        " ORDER BY requested_at, id",
        {"kind": kind.value, "chat": chat, "agent": agent, "sender": sender},
    )


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
    """End every pending request that `matching` finds, because somebody has seen to it in another way."""
    for one in matching(conn, kind, chat=chat, agent=agent, sender=sender):
        execute(
            conn, "UPDATE approvals SET answered_by = ?, answered_at = ? WHERE id = ?", (by, write_time(now), one.id)
        )
        end(conn, one.id, state, result, now=now)


def _waiting(conn: Connection, column: str, about: str) -> int:
    return integer(
        conn,
        f"SELECT count(*) FROM approvals WHERE {column} = ? AND state = 'pending'",  # noqa: S608 - our own words
        (about,),
    )

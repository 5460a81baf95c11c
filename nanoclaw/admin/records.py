"""`nanoclaw sessions`, `drops` and `approvals`: what has come of it all. Only looks."""

from __future__ import annotations

from typing import Annotated

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb, plain_cell
from nanoclaw.errors import UsageError
from nanoclaw.model.entities import Session
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId
from nanoclaw.store import drops
from nanoclaw.store.activity import Activity, activity
from nanoclaw.store.approvals import Approval, ApprovalKind, ApprovalState, approvals
from nanoclaw.store.entities import agent_groups, messaging_groups
from nanoclaw.store.sessions import sessions
from schema.sqlite import Connection

CHAT = Says("only those of this chat")
GROUP = Says("only those of this agent group")
MOST_DROPS = 10_000


@frozen(kw_only=True)
class ListSessions:
    """Which ones."""

    chat: Annotated[str | None, CHAT] = None
    group: Annotated[str | None, GROUP] = None


@frozen(kw_only=True)
class GetSession:
    """Which one."""

    session: Annotated[str, Says("its id, or how it begins", positional=True)]


@frozen(kw_only=True)
class ListDrops:
    """Which ones."""

    chat: Annotated[str | None, CHAT] = None
    group: Annotated[str | None, GROUP] = None
    reason: Annotated[str | None, Says("only those for this reason, such as unknown-sender")] = None
    most: Annotated[int, Says("how many, the newest first")] = 50


@frozen(kw_only=True)
class ListApprovals:
    """Which ones."""

    state: Annotated[ApprovalState | None, Says("only those in this state")] = None
    kind: Annotated[ApprovalKind | None, Says("only those of this kind")] = None
    chat: Annotated[str | None, CHAT] = None


@frozen(kw_only=True)
class GetApproval:
    """Which one."""

    approval: Annotated[str, Says("its id, or how it begins", positional=True)]


def list_sessions(conn: Connection, asked: ListSessions, _: Request) -> Answer:
    """All conversations, with what is in them."""
    chat, group = _filters(conn, asked.chat, asked.group)
    all_activity = activity(conn)
    rows = tuple(
        _session_line(conn, one, all_activity[one.id])
        for one in sessions(conn)
        if chat in (None, one.messaging_group_id) and group in (None, one.agent_group_id)
    )
    return Answer(
        rows=rows, hidden=("last",), said=None if rows else "none yet: the first message that an agent hears makes one"
    )


def get_session(conn: Connection, asked: GetSession, _: Request) -> Answer:
    """One conversation."""
    found = references.session(conn, asked.session)
    return Answer(rows=(_session_line(conn, found, activity(conn)[found.id]),), one=True)


def list_drops(conn: Connection, asked: ListDrops, _: Request) -> Answer:
    """What was not passed on, and why; the newest first."""
    if not 1 <= asked.most <= MOST_DROPS:
        raise UsageError(f"--most: between 1 and {MOST_DROPS:,}")
    chat, group = _filters(conn, asked.chat, asked.group)
    chats, groups = _names(conn)
    rows: tuple[Line, ...] = tuple(
        {
            "when": plain_cell(drop.dropped_at),
            "reason": drop.reason,
            "chat": chats[drop.messaging_group_id],
            "chat_id": drop.messaging_group_id,
            "group": groups[drop.agent_group_id],
            "group_id": drop.agent_group_id,
            "sender": drop.sender_id,
            "detail": drop.detail,
            "message_id": drop.reference,
        }
        for drop in drops.recent(conn, asked.most, chat=chat, agent=group, reason=asked.reason)
    )
    return Answer(rows=rows, said=None if rows else "nothing was dropped")


def list_approvals(conn: Connection, asked: ListApprovals, _: Request) -> Answer:
    """What waits, or waited, for a person."""
    chat, _none = _filters(conn, asked.chat, None)
    rows = tuple(
        _approval_line(conn, one)
        for one in approvals(conn)
        if asked.state in (None, one.state)
        and asked.kind in (None, one.kind)
        and chat in (None, one.messaging_group_id)
    )
    return Answer(rows=rows, said=None if rows else "nothing waits for you")


def get_approval(conn: Connection, asked: GetApproval, _: Request) -> Answer:
    """One request, and what would answer it."""
    found = references.approval(conn, asked.approval)
    return Answer(
        rows=(_approval_line(conn, found) | {"payload": found.payload, "result": found.result},),
        one=True,
        said=_how(found),
    )


def _how(found: Approval) -> str | None:
    if found.state is not ApprovalState.PENDING:
        return None
    if found.kind is ApprovalKind.CHAT:
        return (
            f"yes: nanoclaw wirings create {found.messaging_group_id} GROUP; "
            f"no: nanoclaw chats update {found.messaging_group_id} --denied"
        )
    if found.kind is ApprovalKind.SENDER:
        sender = found.subject.split("/", 2)[2]
        return f"yes: nanoclaw users create {sender} NAME, then nanoclaw members add {sender} {found.agent_group_id}"
    return None


def _filters(
    conn: Connection, chat: str | None, group: str | None
) -> tuple[MessagingGroupId | None, AgentGroupId | None]:
    return (
        None if chat is None else references.chat(conn, chat).id,
        None if group is None else references.agent_group(conn, group).id,
    )


def _names(conn: Connection) -> tuple[dict[MessagingGroupId | None, str | None], dict[AgentGroupId | None, str | None]]:
    """What people call chats and agent groups; nothing for none."""
    chats: dict[MessagingGroupId | None, str | None] = {one.id: one.name for one in messaging_groups(conn)}
    groups: dict[AgentGroupId | None, str | None] = {one.id: one.name for one in agent_groups(conn)}
    return chats | {None: None}, groups | {None: None}


def _session_line(conn: Connection, one: Session, figures: Activity) -> Line:
    chats, groups = _names(conn)
    return {
        "id": one.id,
        "group": groups[one.agent_group_id],
        "group_id": one.agent_group_id,
        "chat": chats[one.messaging_group_id] or "several",
        "chat_id": one.messaging_group_id,
        "thread": one.thread_id,
        "heard": figures.heard,
        "waiting": figures.waiting,
        "said": figures.said,
        "last": plain_cell(figures.last),
        "running": figures.epoch is not None,
    }


def _approval_line(conn: Connection, one: Approval) -> Line:
    chats, groups = _names(conn)
    return {
        "id": one.id,
        "kind": one.kind.value,
        "state": one.state.value,
        "chat": chats[one.messaging_group_id],
        "chat_id": one.messaging_group_id,
        "group": groups[one.agent_group_id],
        "group_id": one.agent_group_id,
        "about": one.subject,
        "requested_at": plain_cell(one.requested_at),
    }


VERBS = (
    Verb("sessions", "list", ListSessions, list_sessions),
    Verb("sessions", "get", GetSession, get_session),
    Verb("drops", "list", ListDrops, list_drops),
    Verb("approvals", "list", ListApprovals, list_approvals),
    Verb("approvals", "get", GetApproval, get_approval),
)

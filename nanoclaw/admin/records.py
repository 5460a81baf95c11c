"""`nanoclaw sessions` and `drops`: what has come of it all. Only looks."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb, plain_cell
from nanoclaw.errors import UsageError
from nanoclaw.model.entities import Session
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId
from nanoclaw.store import drops, parkings
from nanoclaw.store.activity import Activity, activity
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


def list_sessions(conn: Connection, asked: ListSessions, _: Request) -> Answer:
    """All conversations, with what is in them."""
    chat, group = _filters(conn, asked.chat, asked.group)
    all_activity, names = activity(conn), _names(conn)
    rows = tuple(
        _session_line(conn, one, all_activity[one.id], names)
        for one in sessions(conn)
        if chat in (None, one.messaging_group_id) and group in (None, one.agent_group_id)
    )
    parked = any(row["parked"] for row in rows)
    return Answer(
        rows=rows,
        hidden=("last",) if parked else ("last", "parked"),
        said=None if rows else "none yet: the first message that an agent hears makes one",
    )


def get_session(conn: Connection, asked: GetSession, _: Request) -> Answer:
    """One conversation."""
    found = references.session(conn, asked.session)
    return Answer(rows=(_session_line(conn, found, activity(conn)[found.id], _names(conn)),), one=True)


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


def _filters(
    conn: Connection, chat: str | None, group: str | None
) -> tuple[MessagingGroupId | None, AgentGroupId | None]:
    return (
        None if chat is None else references.chat(conn, chat).id,
        None if group is None else references.agent_group(conn, group).id,
    )


_Names: TypeAlias = tuple[dict[MessagingGroupId | None, str | None], dict[AgentGroupId | None, str | None]]


def _names(conn: Connection) -> _Names:
    """What people call chats and agent groups; nothing for none."""
    chats: dict[MessagingGroupId | None, str | None] = {one.id: one.name for one in messaging_groups(conn)}
    groups: dict[AgentGroupId | None, str | None] = {one.id: one.name for one in agent_groups(conn)}
    return chats | {None: None}, groups | {None: None}


def _session_line(conn: Connection, one: Session, figures: Activity, names: _Names) -> Line:
    chats, groups = names
    parking = parkings.parking(conn, one.id)
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
        "parked": None if parking is None else f"by {parking.who}: {parking.because}",
    }


SESSIONS = (
    Verb("sessions", "list", ListSessions, list_sessions),
    Verb("sessions", "get", GetSession, get_session),
)
DROPS = (Verb("drops", "list", ListDrops, list_drops),)

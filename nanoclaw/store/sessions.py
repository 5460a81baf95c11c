"""Sessions in nanoclaw.db: the conversations, and what they take over from their chat."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime

from nanoclaw.model.entities import AgentGroup, MessagingGroup, Session, SessionKey, SessionMode, SessionPlace, Wiring
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId, SessionId
from nanoclaw.store.entities import Mint
from nanoclaw.store.settings import settings_of
from schema.rows import select
from schema.sqlite import Connection, execute, fetch, fetch_one, scalar
from schema.times import write_time

_SESSIONS = "SELECT id, agent_group_id, messaging_group_id, thread_id FROM sessions"


def find_session(conn: Connection, key: SessionKey) -> SessionId | None:
    """The session of *key*, if there is one."""
    found = scalar(
        conn,
        "SELECT id FROM sessions WHERE agent_group_id = ? AND coalesce(messaging_group_id, '') = coalesce(?, '')"
        " AND coalesce(thread_id, '') = coalesce(?, '')",
        (key.agent_group_id, key.messaging_group_id, key.thread_id),
    )
    return None if found is None else SessionId(str(found))


def session_for(conn: Connection, key: SessionKey, *, mint: Mint, now: datetime) -> SessionId:
    """The session of *key*, made if it is new."""
    found = find_session(conn, key)
    if found is not None:
        return found
    made = SessionId(mint("ses"))
    add_session(conn, made, key, now=now)
    return made


def add_session(conn: Connection, session: SessionId, key: SessionKey, *, now: datetime) -> None:
    """Make the session of *key*. Raises `ConstraintError` if there is one, or what it refers to is not there."""
    execute(
        conn,
        "INSERT INTO sessions (id, agent_group_id, messaging_group_id, thread_id, created_at) VALUES (?, ?, ?, ?, ?)",
        (session, key.agent_group_id, key.messaging_group_id, key.thread_id, write_time(now)),
    )


def sessions_near(
    conn: Connection, chat: MessagingGroupId, thread: str | None, wirings: Iterable[Wiring]
) -> dict[SessionKey, SessionId]:
    """The sessions of those who hear *chat* that a message in *thread* of it may belong to."""
    # Three plain questions, of which most messages need one: each is a step through one index.
    rows = fetch(conn, f"{_SESSIONS} WHERE messaging_group_id = ? AND thread_id IS NULL", (chat,))
    if thread is not None:
        rows += fetch(conn, f"{_SESSIONS} WHERE messaging_group_id = ? AND thread_id = ?", (chat, thread))
    for wiring in wirings:
        if wiring.session_mode is SessionMode.AGENT_SHARED:
            where = (
                "WHERE agent_group_id = ? AND coalesce(messaging_group_id, '') = '' AND coalesce(thread_id, '') = ''"
            )
            rows += fetch(conn, f"{_SESSIONS} {where}", (wiring.agent_group_id,))
    return {
        SessionKey(
            agent_group_id=AgentGroupId(str(row["agent_group_id"])),
            messaging_group_id=None if row["messaging_group_id"] is None else chat,
            thread_id=None if row["thread_id"] is None else thread,
        ): SessionId(str(row["id"]))
        for row in rows
    }


def sessions(conn: Connection) -> list[Session]:
    """All of them, the oldest first."""
    return select(conn, Session, "SELECT * FROM sessions ORDER BY created_at, id")


def known_sessions(conn: Connection, names: Collection[str]) -> frozenset[SessionId]:
    """Those of *names* that are the id of a session."""
    found = fetch(
        conn, "SELECT id FROM sessions WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(names)),)
    )
    return frozenset(SessionId(str(row["id"])) for row in found)


def living_sessions(conn: Connection) -> dict[SessionId, Session]:
    """The sessions that have an open epoch."""
    sql = "SELECT * FROM sessions WHERE id IN (SELECT session_id FROM epochs WHERE ended_at IS NULL)"
    return {session.id: session for session in select(conn, Session, sql)}


def session_place(conn: Connection, session: SessionId) -> SessionPlace | None:
    """A session with its agent group and its messaging group."""
    row = fetch_one(conn, "SELECT agent_group_id, messaging_group_id FROM sessions WHERE id = ?", (session,))
    if row is None:
        return None
    chats = select(conn, MessagingGroup, "SELECT * FROM messaging_groups WHERE id = ?", (row["messaging_group_id"],))
    return SessionPlace(
        session=select(conn, Session, "SELECT * FROM sessions WHERE id = ?", (session,))[0],
        agent_group=select(conn, AgentGroup, "SELECT * FROM agent_groups WHERE id = ?", (row["agent_group_id"],))[0],
        messaging_group=chats[0] if chats else None,
        settings=settings_of(conn, AgentGroupId(str(row["agent_group_id"]))),
    )


def save_provider_state(conn: Connection, session: SessionId, state: str) -> None:
    """Keep what a runner wants its later epochs to know; *state* is JSON."""
    execute(conn, "UPDATE sessions SET provider_state = ? WHERE id = ?", (state, session))

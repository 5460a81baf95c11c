"""Agent groups, messaging groups, wirings, users and sessions in nanoclaw.db."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from nanoclaw.model.entities import AgentGroup, MessagingGroup, Session, SessionPlace, Wiring
from nanoclaw.model.ids import ChannelName, MessagingGroupId, SessionId, UserId
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute, fetch_one, scalar
from schema.times import write_time

Mint = Callable[[str], str]
"""Makes a new id with the given prefix."""


def install_id(conn: Connection, *, fresh: str, now: datetime) -> str:
    """This home's id, which labels its sandboxes; *fresh* becomes it at the first call."""
    execute(
        conn,
        "INSERT INTO home (only, install_id, created_at) VALUES (1, ?, ?) ON CONFLICT DO NOTHING",
        (fresh, write_time(now)),
    )
    return str(scalar(conn, "SELECT install_id FROM home"))


def add_agent_group(conn: Connection, group: AgentGroup) -> None:
    """Add an agent group. Raises `ConstraintError` if its folder belongs to another."""
    execute(conn, insert_sql("agent_groups", AgentGroup), bindings(group))


def agent_groups(conn: Connection) -> list[AgentGroup]:
    """All of them, by name."""
    return select(conn, AgentGroup, "SELECT * FROM agent_groups ORDER BY name, id")


def add_messaging_group(conn: Connection, group: MessagingGroup) -> None:
    """Add a chat. Raises `ConstraintError` if the channel already has it."""
    execute(conn, insert_sql("messaging_groups", MessagingGroup), bindings(group))


def messaging_group(conn: Connection, channel: ChannelName, platform_id: str) -> MessagingGroup | None:
    """The chat of that name on that channel."""
    found = select(
        conn,
        MessagingGroup,
        "SELECT * FROM messaging_groups WHERE channel = ? AND platform_id = ?",
        (channel, platform_id),
    )
    return found[0] if found else None


def add_wiring(conn: Connection, wiring: Wiring) -> None:
    """Wire an agent group to a chat. Raises `ConstraintError` if it is already."""
    execute(conn, insert_sql("wirings", Wiring), bindings(wiring))


def wirings_of(conn: Connection, group: MessagingGroupId) -> list[Wiring]:
    """Who hears that chat, the most important first."""
    return select(
        conn,
        Wiring,
        "SELECT * FROM wirings WHERE messaging_group_id = ? ORDER BY priority DESC, agent_group_id",
        (group,),
    )


def note_user(conn: Connection, user: UserId, name: str, *, now: datetime) -> None:
    """Remember somebody who spoke to us, by the name they have now."""
    execute(
        conn,
        "INSERT INTO users (id, display_name, first_seen) VALUES (?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name"
        " WHERE display_name <> excluded.display_name",
        (user, name, write_time(now)),
    )


def session_for(conn: Connection, wiring: Wiring, *, mint: Mint, now: datetime) -> SessionId:
    """The session that a wiring's messages belong to, made if it is new."""
    key = (wiring.agent_group_id, wiring.messaging_group_id)
    sql = "SELECT id FROM sessions WHERE agent_group_id = ? AND messaging_group_id = ?"
    found = scalar(conn, sql, key)
    if found is None:
        found = mint("ses")
        execute(
            conn,
            "INSERT INTO sessions (id, agent_group_id, messaging_group_id, created_at) VALUES (?, ?, ?, ?)",
            (found, *key, write_time(now)),
        )
    return SessionId(str(found))


def sessions(conn: Connection) -> list[Session]:
    """All of them, the oldest first."""
    return select(conn, Session, "SELECT * FROM sessions ORDER BY created_at, id")


def session_place(conn: Connection, session: SessionId) -> SessionPlace | None:
    """A session with its agent group and its messaging group."""
    row = fetch_one(conn, "SELECT agent_group_id, messaging_group_id FROM sessions WHERE id = ?", (session,))
    if row is None:
        return None
    return SessionPlace(
        session=select(conn, Session, "SELECT * FROM sessions WHERE id = ?", (session,))[0],
        agent_group=select(conn, AgentGroup, "SELECT * FROM agent_groups WHERE id = ?", (row["agent_group_id"],))[0],
        messaging_group=select(
            conn, MessagingGroup, "SELECT * FROM messaging_groups WHERE id = ?", (row["messaging_group_id"],)
        )[0],
    )


def save_provider_state(conn: Connection, session: SessionId, state: str) -> None:
    """Keep what a runner wants its later epochs to know; *state* is JSON."""
    execute(conn, "UPDATE sessions SET provider_state = ? WHERE id = ?", (state, session))

"""The names that an agent group may write to, which are its permission to."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import frozen

from nanoclaw.core.destinations import agent_place, free_name
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId
from nanoclaw.model.messages import Address
from nanoclaw.store.entities import show_again
from schema.rows import Destination, DestinationType, bindings, insert_sql, select
from schema.sqlite import Connection, execute, fetch, scalar


class MadeBy(Enum):
    """Who gave an agent group a destination."""

    WIRING = "wiring"  # it goes when the wiring goes
    OPERATOR = "operator"
    AGENT = "agent"


@frozen(kw_only=True)
class StoredDestination:
    """A name, and the one chat or agent group behind it."""

    agent_group_id: AgentGroupId
    name: str
    messaging_group_id: MessagingGroupId | None
    target_agent_group_id: AgentGroupId | None
    made_by: MadeBy
    created_at: datetime


def add(conn: Connection, destination: StoredDestination) -> None:
    """Let an agent group write there. Raises `ConstraintError` if the name is taken or the target has one already."""
    execute(conn, insert_sql("destinations", StoredDestination), bindings(destination))
    show_again(conn, "id = ?", destination.agent_group_id)


def of_wiring(conn: Connection, agent: AgentGroupId, chat: MessagingGroupId, *, now: datetime) -> str:
    """Give *agent* a name for a chat that it hears, unless it has one; returns the name."""
    known = scalar(
        conn, "SELECT name FROM destinations WHERE agent_group_id = ? AND messaging_group_id = ?", (agent, chat)
    )
    if known is not None:
        return str(known)
    taken = {
        str(row["name"]) for row in fetch(conn, "SELECT name FROM destinations WHERE agent_group_id = ?", (agent,))
    }
    name = free_name(str(scalar(conn, "SELECT name FROM messaging_groups WHERE id = ?", (chat,))), taken)
    made = StoredDestination(
        agent_group_id=agent,
        name=name,
        messaging_group_id=chat,
        target_agent_group_id=None,
        made_by=MadeBy.WIRING,
        created_at=now,
    )
    add(conn, made)
    return name


def remove(conn: Connection, agent: AgentGroupId, name: str) -> None:
    """Let an agent group no longer write there."""
    execute(conn, "DELETE FROM destinations WHERE agent_group_id = ? AND name = ?", (agent, name))
    show_again(conn, "id = ?", agent)


def remove_of_wiring(conn: Connection, agent: AgentGroupId, chat: MessagingGroupId) -> None:
    """Take back what a wiring gave; what a person gave stays."""
    execute(
        conn,
        "DELETE FROM destinations WHERE agent_group_id = ? AND messaging_group_id = ? AND made_by = 'wiring'",
        (agent, chat),
    )
    show_again(conn, "id = ?", agent)


def stored(conn: Connection) -> list[StoredDestination]:
    """All of them, by agent group and name."""
    return select(conn, StoredDestination, "SELECT * FROM destinations ORDER BY agent_group_id, name")


def shown(conn: Connection, agent: AgentGroupId) -> tuple[Destination, ...]:
    """What the sandboxes of *agent* are shown, by name."""
    rows = select(
        conn,
        Destination,
        "SELECT d.name, coalesce(m.name, a.name) AS display_name,"
        "       CASE WHEN m.id IS NULL THEN 'agent' ELSE 'channel' END AS type,"
        "       m.channel AS channel_type, m.platform_id, a.id AS agent_group_id"
        "  FROM destinations d LEFT JOIN messaging_groups m ON m.id = d.messaging_group_id"
        "                      LEFT JOIN agent_groups a ON a.id = d.target_agent_group_id"
        " WHERE d.agent_group_id = ? ORDER BY d.name",
        (agent,),
    )
    return tuple(rows)


def addresses(conn: Connection, agent: AgentGroupId) -> dict[str, Address]:
    """Where each name of *agent* leads."""
    return {
        row.name: Address(channel=ChannelName(row.channel_type or ""), platform_id=row.platform_id or "")
        if row.type is DestinationType.CHANNEL
        else agent_place(AgentGroupId(row.agent_group_id or ""))
        for row in shown(conn, agent)
    }

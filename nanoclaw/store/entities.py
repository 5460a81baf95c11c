"""Agent groups and messaging groups in nanoclaw.db."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from nanoclaw.model.entities import AgentGroup, MessagingGroup
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId
from nanoclaw.store.ticks import tick
from schema.rows import bindings, insert_sql, select, select_kept
from schema.sqlite import Connection, execute, integer, scalar
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


def known_install_id(conn: Connection) -> str | None:
    """This home's id, if it has one yet."""
    found = scalar(conn, "SELECT install_id FROM home")
    return None if found is None else str(found)


def add_agent_group(conn: Connection, group: AgentGroup) -> None:
    """Add an agent group. Raises `ConstraintError` if its folder belongs to another."""
    execute(conn, insert_sql("agent_groups", AgentGroup), bindings(group))


def agent_groups(conn: Connection) -> list[AgentGroup]:
    """All of them, by name."""
    return select(conn, AgentGroup, "SELECT * FROM agent_groups ORDER BY name, id")


def agent_group(conn: Connection, group: AgentGroupId) -> AgentGroup | None:
    """The agent group of that id."""
    found = select(conn, AgentGroup, "SELECT * FROM agent_groups WHERE id = ?", (group,))
    return found[0] if found else None


def rename_agent_group(conn: Connection, group: AgentGroupId, name: str) -> None:
    """Call it something else; the names that other agents have for it stay."""
    execute(conn, "UPDATE agent_groups SET name = ? WHERE id = ?", (name, group))
    show_again(
        conn, "id IN (SELECT agent_group_id FROM destinations WHERE target_agent_group_id = ?) OR id = ?", group, group
    )


def delete_agent_group(conn: Connection, group: AgentGroupId) -> None:
    """Forget it, and its settings. Raises `ConstraintError` while anything refers to it."""
    execute(conn, "DELETE FROM agent_groups WHERE id = ?", (group,))


def add_messaging_group(conn: Connection, group: MessagingGroup) -> None:
    """Add a chat. Raises `ConstraintError` if the channel already has it."""
    execute(conn, insert_sql("messaging_groups", MessagingGroup), bindings(group))


def messaging_groups(conn: Connection) -> list[MessagingGroup]:
    """All of them, by channel and name."""
    return select(conn, MessagingGroup, "SELECT * FROM messaging_groups ORDER BY channel, name, id")


def messaging_group_of(conn: Connection, group: MessagingGroupId | None) -> MessagingGroup | None:
    """The chat of that id."""
    found = select(conn, MessagingGroup, "SELECT * FROM messaging_groups WHERE id = ?", (group,))
    return found[0] if found else None


def messaging_group(conn: Connection, channel: ChannelName, platform_id: str) -> MessagingGroup | None:
    """The chat of that name on that channel."""
    found = select_kept(
        conn,
        MessagingGroup,
        "SELECT * FROM messaging_groups WHERE channel = ? AND platform_id = ?",
        (channel, platform_id),
    )
    return found[0] if found else None


def update_messaging_group(conn: Connection, group: MessagingGroup) -> None:
    """Make the chat of that id say what *group* says; its channel and its platform's id never change."""
    execute(
        conn,
        "UPDATE messaging_groups SET name = :name, is_group = :is_group, denied_at = :denied_at,"
        " unknown_sender_policy = :unknown_sender_policy, agent_labels = :agent_labels WHERE id = :id",
        bindings(group),
    )
    show_again(conn, "id IN (SELECT agent_group_id FROM destinations WHERE messaging_group_id = ?)", group.id)


def delete_messaging_group(conn: Connection, group: MessagingGroupId) -> None:
    """Forget a chat. Raises `ConstraintError` while anything refers to it."""
    execute(conn, "DELETE FROM messaging_groups WHERE id = ?", (group,))


def last_shown(conn: Connection) -> int:
    """The tick of the last change to what running sessions of any agent group may know besides messages."""
    return integer(conn, "SELECT coalesce(max(shown), 0) FROM agent_groups")


def show_again(conn: Connection, which: str, *bound: str) -> None:
    """What the running sessions of these agent groups may know has changed. *which* is a condition in SQL, ours."""
    execute(conn, f"UPDATE agent_groups SET shown = ? WHERE {which}", (tick(conn), *bound))  # noqa: S608 - our own texts

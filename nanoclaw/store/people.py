"""Users, their roles and their memberships in nanoclaw.db."""

from __future__ import annotations

from datetime import datetime

from nanoclaw.model.ids import AgentGroupId, UserId
from nanoclaw.model.rights import Grant, Member, Rights, Role, User
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute, fetch
from schema.times import write_time

NOBODY = Rights()


def note_user(conn: Connection, user: UserId, name: str, *, now: datetime) -> None:
    """Remember somebody who spoke to us, by the name they have now."""
    execute(
        conn,
        "INSERT INTO users (id, display_name, first_seen) VALUES (?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name"
        " WHERE display_name <> excluded.display_name",
        (user, name, write_time(now)),
    )


def users(conn: Connection) -> list[User]:
    """All of them, by id."""
    return select(conn, User, "SELECT * FROM users ORDER BY id")


def delete_user(conn: Connection, user: UserId) -> None:
    """Forget somebody. Raises `ConstraintError` while anything refers to them."""
    execute(conn, "DELETE FROM users WHERE id = ?", (user,))


def rights_of(conn: Connection, user: UserId) -> Rights:
    """All that *user* was given."""
    rows = fetch(
        conn,
        "SELECT role, agent_group_id FROM roles WHERE user_id = :user"
        " UNION ALL SELECT 'member', agent_group_id FROM members WHERE user_id = :user",
        {"user": user},
    )
    if not rows:
        return NOBODY
    given = {(str(row["role"]), row["agent_group_id"]) for row in rows}
    return Rights(
        owner=(Role.OWNER.value, None) in given,
        global_admin=(Role.ADMIN.value, None) in given,
        admin_of=frozenset(AgentGroupId(str(group)) for role, group in given if role == Role.ADMIN.value and group),
        member_of=frozenset(AgentGroupId(str(group)) for role, group in given if role == "member"),
    )


def grants(conn: Connection) -> list[Grant]:
    """Every role that somebody has, owners first."""
    return select(
        conn, Grant, "SELECT * FROM roles ORDER BY role DESC, agent_group_id IS NOT NULL, agent_group_id, user_id"
    )


def grant(conn: Connection, given: Grant) -> None:
    """Give a role. One that they have changes nothing. Raises `ConstraintError` for a user or group that is not."""
    execute(conn, insert_sql("roles", Grant) + " ON CONFLICT DO NOTHING", bindings(given))


def revoke(conn: Connection, user: UserId, role: Role, agent_group: AgentGroupId | None) -> None:
    """Take a role away."""
    execute(
        conn,
        "DELETE FROM roles WHERE user_id = ? AND role = ? AND agent_group_id IS ?",
        (user, role.value, agent_group),
    )


def members(conn: Connection) -> list[Member]:
    """Who may speak to which agent group."""
    return select(conn, Member, "SELECT * FROM members ORDER BY agent_group_id, user_id")


def add_member(conn: Connection, member: Member) -> None:
    """Let somebody speak to an agent group. One who may changes nothing."""
    execute(conn, insert_sql("members", Member) + " ON CONFLICT DO NOTHING", bindings(member))


def remove_member(conn: Connection, user: UserId, agent_group: AgentGroupId) -> None:
    """Take that away."""
    execute(conn, "DELETE FROM members WHERE user_id = ? AND agent_group_id = ?", (user, agent_group))

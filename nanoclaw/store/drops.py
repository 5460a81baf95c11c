"""What was not passed on, and why."""

from __future__ import annotations

from nanoclaw.model.ids import AgentGroupId, MessagingGroupId
from nanoclaw.model.messages import Drop
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute


def record(conn: Connection, drop: Drop) -> None:
    """Keep a drop's record; the same one again changes nothing."""
    execute(conn, insert_sql("drops", Drop) + " ON CONFLICT (key) DO NOTHING", bindings(drop))


def recent(
    conn: Connection,
    most: int = 50,
    *,
    chat: MessagingGroupId | None = None,
    agent: AgentGroupId | None = None,
    reason: str | None = None,
) -> list[Drop]:
    """The latest drops, the newest first: those in *chat*, for *agent*, for that *reason*; None means any."""
    return select(
        conn,
        Drop,
        "SELECT * FROM drops WHERE coalesce(messaging_group_id, '') = coalesce(:chat, messaging_group_id, '')"
        " AND coalesce(agent_group_id, '') = coalesce(:agent, agent_group_id, '')"
        " AND reason = coalesce(:reason, reason) ORDER BY dropped_at DESC, key LIMIT :most",
        {"chat": chat, "agent": agent, "reason": reason, "most": most},
    )

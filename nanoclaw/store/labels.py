"""Which agent speaks in a message of the ledger, and whether the message has to say so itself."""

from __future__ import annotations

from attrs import frozen

from nanoclaw.core.labels import label_of
from nanoclaw.model.entities import AgentLabels
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.messages import LedgerRow
from schema.sqlite import Connection, fetch_one


@frozen(kw_only=True)
class Speaker:
    """Who speaks."""

    name: str | None
    """The agent group's name; None: the host itself."""
    label: str | None
    """The name that the message begins with where its platform does not show who speaks; None: none."""


def speaker_of(conn: Connection, row: LedgerRow) -> Speaker:
    """Who says *row*. What the host changes of an agent's message stays under the agent's label."""
    found = fetch_one(
        conn,
        "SELECT a.id, a.name FROM sessions s JOIN agent_groups a ON a.id = s.agent_group_id"
        " WHERE s.id = coalesce(?, (SELECT session_id FROM ledger WHERE id = ?))",
        (row.session_id, row.about),
    )
    if found is None:
        return Speaker(name=None, label=None)
    name = str(found["name"])
    label = label_at(conn, AgentGroupId(str(found["id"])), name, row.channel, row.platform_id)
    return Speaker(name=None if row.session_id is None else name, label=label)


def label_at(conn: Connection, agent: AgentGroupId, name: str, channel: str, platform_id: str) -> str | None:
    """An agent's label in that chat; None: none. Others count if they hear it or may write there."""
    found = fetch_one(
        conn,
        "SELECT m.agent_labels, EXISTS ("
        " SELECT 1 FROM wirings w WHERE w.messaging_group_id = m.id AND w.agent_group_id <> :agent UNION ALL"
        " SELECT 1 FROM destinations d WHERE d.messaging_group_id = m.id AND d.agent_group_id <> :agent) AS others"
        " FROM messaging_groups m WHERE m.channel = :channel AND m.platform_id = :platform_id",
        {"agent": agent, "channel": channel, "platform_id": platform_id},
    )
    return (
        None if found is None else label_of(name, AgentLabels(str(found["agent_labels"])), others=bool(found["others"]))
    )

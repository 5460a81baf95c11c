"""What the kinds of approval share that change an agent group's own settings: how they are changed, who begins anew."""

from __future__ import annotations

from datetime import datetime

from nanoclaw.actors.approving import Means
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import Approval
from nanoclaw.model.ids import AgentGroupId, InboundId
from nanoclaw.model.settings import ContainerSettings
from nanoclaw.store import entities, restarting, settings
from schema.sqlite import Connection

WHY = "what it asked for was approved"


def own_settings(conn: Connection, agent: AgentGroupId, now: datetime) -> ContainerSettings:
    """What is set for *agent*. Raises `UsageError` if it is no longer there."""
    if entities.agent_group(conn, agent) is None:
        raise UsageError("the agent is no longer there")
    return settings.own_settings(conn, agent, now=now)


def begin_with_it(conn: Connection, approval: Approval, means: Means, text: str) -> None:
    """Have whoever asked begin anew, and tell it so as it wakes. Its agent's other sessions go on until they end."""
    if approval.session_id is not None:
        note = InboundId(f"note:{approval.id}")
        restarting.begin_anew(conn, approval.session_id, why=WHY, tells=(note, text), now=means.now)

"""Approvals about requests that OneCLI holds: which wait, and where each stands."""

from __future__ import annotations

import json
from collections.abc import Collection

from nanoclaw.model.approvals import ApprovalKind, ApprovalState
from nanoclaw.model.ids import AgentGroupId, ApprovalId
from schema.sqlite import Connection, fetch, integer

# The first condition is the index's own, without which it is not known to hold them all.
_WAITING = (
    "FROM approvals INDEXED BY approvals_open"
    f" WHERE state IN ('pending', 'executing') AND state = 'pending' AND kind = '{ApprovalKind.CREDENTIAL.value}'"
)


def waiting(conn: Connection) -> list[ApprovalId]:
    """All that nobody has decided, by id."""
    return [ApprovalId(str(row["id"])) for row in fetch(conn, f"SELECT id {_WAITING} ORDER BY id")]


def waiting_of(conn: Connection, agent: AgentGroupId) -> int:
    """How many requests of *agent* nobody has decided about."""
    return integer(conn, f"SELECT count(*) {_WAITING} AND agent_group_id = ?", (agent,))


def states(conn: Connection, which: Collection[ApprovalId]) -> dict[ApprovalId, ApprovalState]:
    """Where each of them stands that is known."""
    rows = fetch(
        conn,
        "SELECT id, state FROM approvals WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(which)),),
    )
    return {ApprovalId(str(row["id"])): ApprovalState(str(row["state"])) for row in rows}

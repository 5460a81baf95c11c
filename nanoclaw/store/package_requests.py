"""Packages that agents ask for, in nanoclaw.db, until their versions are known and people are asked."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from nanoclaw.model.ids import AgentGroupId, ApprovalId, SessionId
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute, scalar


@frozen(kw_only=True)
class PackageRequest:
    """A row of package_requests."""

    id: ApprovalId
    """What the approval will be called."""
    session_id: SessionId
    packages: str
    """JSON: all that the image would have, as settings have it."""
    before: str
    """The same of what the settings have now."""
    reason: str
    requested_at: datetime


def add(conn: Connection, request: PackageRequest) -> None:
    """Let it wait."""
    execute(conn, insert_sql("package_requests", PackageRequest), bindings(request))


def waiting(conn: Connection) -> list[PackageRequest]:
    """All that wait, the first first."""
    return select(conn, PackageRequest, "SELECT * FROM package_requests ORDER BY requested_at, id")


def waits(conn: Connection, agent: AgentGroupId) -> bool:
    """Does one of that agent group?"""
    found = scalar(
        conn,
        "SELECT 1 FROM package_requests p JOIN sessions s ON s.id = p.session_id WHERE s.agent_group_id = ?",
        (agent,),
    )
    return found is not None


def forget(conn: Connection, request: ApprovalId) -> bool:
    """Nothing is to be found out for it any more; was there?"""
    return execute(conn, "DELETE FROM package_requests WHERE id = ?", (request,)) > 0

"""Copies of programs in nanoclaw.db: those that MCP servers of an agent group are started with, or would be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import frozen

from nanoclaw.model.ids import AgentGroupId
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute


@frozen(kw_only=True)
class Program:
    """A row of programs."""

    agent_group_id: AgentGroupId
    digest: str
    """SHA-256 of the content."""
    content: bytes
    kept_at: datetime


def keep(conn: Connection, group: AgentGroupId, contents: Iterable[bytes], *, now: datetime) -> None:
    """Keep these for *group*, each once."""
    known = kept(conn, group)
    for content in contents:
        digest = hashlib.sha256(content).hexdigest()
        if digest not in known:
            program = Program(agent_group_id=group, digest=digest, content=content, kept_at=now)
            execute(conn, insert_sql("programs", Program, replace=True), bindings(program))


def kept(conn: Connection, group: AgentGroupId) -> Mapping[str, bytes]:
    """All that are kept for *group*, by their digests. One whose bytes are not of its digest is none."""
    rows = select(conn, Program, "SELECT * FROM programs WHERE agent_group_id = ?", (group,))
    return {row.digest: row.content for row in rows if hashlib.sha256(row.content).hexdigest() == row.digest}


def changed(conn: Connection) -> list[tuple[AgentGroupId, str]]:
    """Those whose bytes are not of their digest: somebody has changed them."""
    rows = select(conn, Program, "SELECT * FROM programs ORDER BY agent_group_id, digest")
    return [(row.agent_group_id, row.digest) for row in rows if hashlib.sha256(row.content).hexdigest() != row.digest]


def forget(conn: Connection, group: AgentGroupId, digest: str) -> None:
    """Forget one."""
    execute(conn, "DELETE FROM programs WHERE agent_group_id = ? AND digest = ?", (group, digest))


def forget_unneeded(conn: Connection, group: AgentGroupId) -> None:
    """Forget those of *group* that are in no server of its settings, and in nothing that waits for a decision."""
    execute(
        conn,
        """
        DELETE FROM programs
         WHERE agent_group_id = ?
           AND NOT EXISTS (SELECT 1 FROM container_settings s
                            WHERE s.agent_group_id = programs.agent_group_id
                              AND instr(s.mcp_servers, programs.digest) > 0)
           AND NOT EXISTS (SELECT 1 FROM approvals a
                            WHERE a.agent_group_id = programs.agent_group_id
                              AND a.state IN ('pending', 'executing') AND instr(a.payload, programs.digest) > 0)
        """,
        (group,),
    )

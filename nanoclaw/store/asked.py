"""What agents asked of the host, and what came of it: a request that is read twice is handled once."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from nanoclaw.core.access import standing
from nanoclaw.core.requests import NOBODY, OF_PEOPLE, Cause
from nanoclaw.model.ids import AgentGroupId, EpochNumber, SessionId, UserId
from nanoclaw.store.people import rights_of
from schema.rows import bindings, insert_sql
from schema.sqlite import Connection, execute, fetch, integer, scalar
from schema.times import write_time


@frozen(kw_only=True)
class Asked:
    """A row of requests."""

    session_id: SessionId
    epoch: EpochNumber
    runner_id: str
    action: str
    digest: str
    accepted: bool
    result: str
    handled_at: datetime


def is_known(conn: Connection, session: SessionId, epoch: EpochNumber, runner_id: str) -> bool:
    """Has this been handled?"""
    found = scalar(
        conn,
        "SELECT 1 FROM requests WHERE session_id = ? AND epoch = ? AND runner_id = ?",
        (session, epoch, runner_id),
    )
    return found is not None


def record(conn: Connection, row: Asked) -> None:
    """Keep what came of a request."""
    execute(conn, insert_sql("requests", Asked), bindings(row))


def count(conn: Connection, agent: AgentGroupId, action: str, *, since: datetime, most: int) -> int:
    """How often *agent* asked for *action* after *since*, in all its sessions together, granted or not.

    No more than *most* are counted: whoever asks a hundred thousand times is not to keep everybody waiting.
    """
    return integer(
        conn,
        "SELECT count(*) FROM ("
        " SELECT 1 FROM sessions s JOIN requests r INDEXED BY requests_lately ON r.session_id = s.id"
        " WHERE s.agent_group_id = ? AND r.action = ? AND r.handled_at > ? LIMIT ?)",
        (agent, action, write_time(since), most),
    )


def causes(conn: Connection, session: SessionId, agent: AgentGroupId, *, now: datetime) -> list[Cause]:
    """To whom a turn of *session* is due that is under way at *now*: whose messages it has not settled yet.

    All that ask for a turn and are not settled, whether a runner says that it works on them or not: it could leave out
    the one that has the least of a say. The host's own notes are nobody's wish.
    """
    rows = fetch(
        conn,
        "SELECT DISTINCT e.sender_id, u.display_name"
        "  FROM inbound i LEFT JOIN events e ON e.id = i.event_id LEFT JOIN users u ON u.id = e.sender_id"
        " WHERE i.session_id = ? AND i.status = 'pending' AND i.trigger = 1"
        "   AND (i.process_after IS NULL OR i.process_after <= ? OR i.claimed_epoch IS NOT NULL)"
        "   AND (i.kind <> 'system' OR i.event_id IS NOT NULL)"
        " ORDER BY e.sender_id",
        (session, write_time(now)),
    )
    return [
        NOBODY
        if row["sender_id"] is None
        else Cause(
            str(row["display_name"] or row["sender_id"]),
            OF_PEOPLE[standing(rights_of(conn, UserId(str(row["sender_id"]))), agent)],
        )
        for row in rows
    ]

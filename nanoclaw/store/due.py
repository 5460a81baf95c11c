"""What is due in nanoclaw.db, and when something will be: steps through indexes that hold nothing that rests.

However many sessions there are, a look costs what is open: planned occurrences, pending messages, messages out that
wait for their time, approvals and questions that can expire.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from nanoclaw.model.ids import ApprovalId, ChannelName, QuestionId, SessionId, TaskId
from nanoclaw.store.ledger import Lane
from schema.sqlite import Connection, Row, fetch, scalar
from schema.times import read_time, write_time

MOST_DUE = 500
"""Of each kind, in one look; the next look follows at once while there are more."""


@frozen
class OccurrenceDue:
    """A task's planned time has come."""

    task: TaskId


@frozen
class SessionDue:
    """A session has a message whose time has come."""

    session: SessionId


@frozen
class LaneDue:
    """A conversation has a message whose time to be sent has come."""

    lane: Lane


@frozen
class ApprovalDue:
    """A request has waited for too long."""

    approval: ApprovalId


@frozen
class QuestionDue:
    """A question has waited for too long."""

    question: QuestionId


Item: TypeAlias = OccurrenceDue | SessionDue | LaneDue | ApprovalDue | QuestionDue

DUE_SQL = """
SELECT * FROM (SELECT 'occurrence' AS kind, task_id AS id, NULL AS place FROM occurrences INDEXED BY occurrences_due
                WHERE outcome IS NULL AND queued_at IS NULL AND due_at <= :now ORDER BY due_at LIMIT :most)
UNION ALL
SELECT * FROM (SELECT DISTINCT 'session', session_id, NULL FROM inbound INDEXED BY inbound_due
                WHERE status = 'pending' AND trigger = 1 AND process_after <= :now
                  AND NOT EXISTS (SELECT 1 FROM parkings p WHERE p.session_id = inbound.session_id) LIMIT :most)
UNION ALL
SELECT * FROM (SELECT DISTINCT 'session', session_id, NULL FROM inbound INDEXED BY inbound_due
                WHERE status = 'pending' AND trigger = 1 AND process_after IS NULL
                  AND NOT EXISTS (SELECT 1 FROM parkings p WHERE p.session_id = inbound.session_id) LIMIT :most)
UNION ALL
SELECT * FROM (SELECT DISTINCT 'lane', channel, platform_id FROM ledger INDEXED BY ledger_due
                WHERE state = 'pending' AND not_before <= :now LIMIT :most)
UNION ALL
SELECT * FROM (SELECT 'approval', id, NULL FROM approvals INDEXED BY approvals_expiring
                WHERE state = 'pending' AND expires_at IS NOT NULL AND expires_at <= :now LIMIT :most)
UNION ALL
SELECT * FROM (SELECT 'question', id, NULL FROM questions INDEXED BY questions_expiring
                WHERE state = 'open' AND expires_at IS NOT NULL AND expires_at <= :now LIMIT :most)
"""

NEXT_SQL = """
SELECT min(at) FROM (
  SELECT min(due_at) AS at FROM occurrences INDEXED BY occurrences_due
   WHERE outcome IS NULL AND queued_at IS NULL AND due_at > :now
  UNION ALL SELECT min(process_after) FROM inbound INDEXED BY inbound_due
   WHERE status = 'pending' AND trigger = 1 AND process_after > :now
  UNION ALL SELECT min(not_before) FROM ledger INDEXED BY ledger_due WHERE state = 'pending' AND not_before > :now
  UNION ALL SELECT min(expires_at) FROM approvals INDEXED BY approvals_expiring
   WHERE state = 'pending' AND expires_at IS NOT NULL AND expires_at > :now
  UNION ALL SELECT min(expires_at) FROM questions INDEXED BY questions_expiring
   WHERE state = 'open' AND expires_at IS NOT NULL AND expires_at > :now
)
"""


def due(conn: Connection, *, now: datetime) -> list[Item]:
    """Everything whose time has come, the oldest occurrences first."""
    return [_item(row) for row in fetch(conn, DUE_SQL, {"now": write_time(now), "most": MOST_DUE})]


def next_due(conn: Connection, *, now: datetime) -> datetime | None:
    """When the next thing will be due; None: nothing waits for its time."""
    found = scalar(conn, NEXT_SQL, {"now": write_time(now)})
    return None if found is None else read_time(str(found))


def _item(row: Row) -> Item:
    match row["kind"]:
        case "occurrence":
            return OccurrenceDue(TaskId(str(row["id"])))
        case "session":
            return SessionDue(SessionId(str(row["id"])))
        case "lane":
            return LaneDue(Lane(ChannelName(str(row["id"])), str(row["place"])))
        case "approval":
            return ApprovalDue(ApprovalId(str(row["id"])))
        case _:
            return QuestionDue(QuestionId(str(row["id"])))

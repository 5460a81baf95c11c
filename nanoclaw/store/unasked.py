"""What a session asked of people in turns that were taken back is asked no more; in the caller's transaction.

Nobody can answer it from then on, its message says so, and its agent is told of it with whatever comes next: it is not
woken, as it does not remember that it asked.
"""

from __future__ import annotations

from datetime import datetime

from nanoclaw.model.approvals import Approval, ApprovalState
from nanoclaw.model.ids import SessionId
from nanoclaw.model.messages import LedgerRow, LedgerState
from nanoclaw.model.questions import QuestionState
from nanoclaw.store import approvals, questions
from schema.rows import select
from schema.sqlite import Connection
from schema.times import write_time

WHY = "the conversation was taken back to before it was asked"


def close_approvals(conn: Connection, session: SessionId, *, since: datetime, now: datetime) -> int:
    """End what *session* asked people to allow after *since*; returns how many that were.

    What somebody has approved and no host has done yet is not done any more either.
    """
    # Both conditions: the first is the index's own, without which it is not known to hold them all.
    found = select(
        conn,
        Approval,
        "SELECT * FROM approvals INDEXED BY approvals_open WHERE state IN ('pending', 'executing')"
        " AND session_id = ? AND requested_at > ? ORDER BY requested_at, id",
        (session, write_time(since)),
    )
    for asked in found:
        ending = ApprovalState.EXPIRED if asked.state is ApprovalState.PENDING else ApprovalState.FAILED
        approvals.end(conn, asked.id, ending, WHY, wake=False, now=now)
    return len(found)


def close_question(conn: Connection, asked_by: LedgerRow, *, now: datetime) -> int:
    """End what a message of the ledger asks, if anybody could still answer it; returns how many that were."""
    closed = 0
    for which in questions.of_message(conn, asked_by.id):
        question = questions.get(conn, which)
        if question is None or not questions.close(conn, which, QuestionState.EXPIRED, now=now):
            continue
        closed += 1
        questions.tell_taken_back(conn, question, WHY, now=now)
        if asked_by.state is LedgerState.DELIVERED:
            questions.show_end(conn, question, f"Closed: {WHY}.", key="closed", now=now)
    return closed

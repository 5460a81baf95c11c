"""What the audit says of approvals: that one was asked for, how it was decided, and what came of it."""

from __future__ import annotations

from datetime import datetime

from nanoclaw.model.approvals import Approval, ApprovalState
from nanoclaw.store import audit
from nanoclaw.store.audit import Outcome
from schema.payloads import Option
from schema.sqlite import Connection

ASKED, DECIDED, ENDED = "approval ask", "approval decide", "approval end"
_OUTCOMES = {ApprovalState.FAILED: Outcome.FAILED, ApprovalState.DONE: Outcome.DONE}
"""Of the others nothing was done."""


def asked(conn: Connection, approval: Approval) -> None:
    """It waits from now on. Whoever speaks to us where nobody may is no agent, and asks by that."""
    agent = approval.agent_group_id if approval.session_id is not None else None
    who = audit.HOST if agent is None else audit.agent(agent)
    _record(conn, ASKED, approval, who=who, detail=approval.title, at=approval.requested_at)


def decided(conn: Connection, approval: Approval | None, option: Option, *, at: datetime) -> None:
    """Somebody chose *option*."""
    assert approval is not None
    who = audit.HOST if approval.answered_by is None else approval.answered_by
    _record(conn, DECIDED, approval, who=who, detail=option.label, at=at)


def ended(conn: Connection, approval: Approval, *, at: datetime) -> None:
    """It is over: done, given up, or not allowed."""
    outcome = _OUTCOMES.get(approval.state, Outcome.REFUSED)
    detail = approval.state.value if approval.result is None else f"{approval.state.value}: {approval.result}"
    _record(conn, ENDED, approval, who=audit.HOST, outcome=outcome, detail=detail, at=at)


def not_decided(conn: Connection, approval: Approval, who: str, why: str, *, at: datetime) -> None:
    """Somebody chose who may not, or too late. Once for each reason: whoever presses on and on fills no disk."""
    if not audit.is_refused(conn, who=who, what=DECIDED, on=_subject(approval), detail=why):
        _record(conn, DECIDED, approval, who=who, outcome=Outcome.REFUSED, detail=why, at=at)


def _record(
    conn: Connection,
    what: str,
    approval: Approval,
    *,
    who: str,
    outcome: Outcome = Outcome.DONE,
    detail: str,
    at: datetime,
) -> None:
    audit.record(
        conn, who=who, what=what, on=_subject(approval), digest=approval.digest, outcome=outcome, detail=detail, at=at
    )


def _subject(approval: Approval) -> str:
    return f"{approval.kind.value} {approval.id}"

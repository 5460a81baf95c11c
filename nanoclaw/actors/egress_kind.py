"""The kind of approval by which a host that was refused is allowed to an agent group: for a while, or from then on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from attrs import field, frozen

from nanoclaw.actors.approving import Means, ask, payload_of
from nanoclaw.core import egress_asking as rules
from nanoclaw.core.egress import MOST_RULES, BadRule, read_rule
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import Approval, ApprovalKind, Shown
from nanoclaw.model.egress import EgressRule
from nanoclaw.model.entities import Session
from nanoclaw.model.ids import AgentGroupId, ApprovalId
from nanoclaw.store import egress, entities
from nanoclaw.store.asking_again import MayAsk, standing
from schema.sqlite import Connection
from schema.times import write_time


@frozen
class EgressKind:
    """Implements `Kind`."""

    name: ApprovalKind = field(default=ApprovalKind.EGRESS, init=False)

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """Whose, and the rule that would be made."""
        group = entities.agent_group(conn, AgentGroupId(str(payload["agent"])))
        assert group is not None
        return rules.shown(group.name, payload)

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Make the rule that was shown, unless there is one for that place."""
        payload = payload_of(approval)
        group, said = AgentGroupId(str(payload["agent"])), str(payload["said"])
        egress.forget_over(conn, now=means.now)
        had = egress.rules(conn, group)
        before = next((rule for rule in had if rule.said == said), None)
        if before is not None and before.until is None:
            raise UsageError(f"there is a rule for {said} meanwhile; nanoclaw egress list shows it")
        if len(had) >= MOST_RULES:
            raise UsageError(f"there are {MOST_RULES} rules already")
        once = approval.answer == rules.ONCE.value
        until = means.now + rules.ONCE_LASTS if once else None
        egress.allow(conn, EgressRule(agent_group_id=group, said=said, until=until, added_at=means.now))
        return f"{said} is allowed" + ("" if until is None else f" until {write_time(until)}")


def ask_about(
    conn: Connection, session: Session, place: str, *, mint: Callable[[str], str], now: datetime
) -> ApprovalId | None:
    """Ask people whether the agent of *session* may reach *place*, which was refused: in a transaction.

    None: its agent group does not have it so, there is a rule for part of it, people are asked or have said no already,
    or too much is asked.
    """
    group = session.agent_group_id
    rule = read_rule(place)
    if isinstance(rule, BadRule) or not egress.is_asking(conn, group):
        return None
    said = str(rule)
    if any(one.said == said and one.until is None for one in egress.rules(conn, group)):
        return None
    subject = rules.subject_of(group, said)
    known = standing(conn, ApprovalKind.EGRESS, subject, agent=group, most_an_hour=rules.MOST_AN_HOUR, now=now)
    if not isinstance(known, MayAsk):
        return None
    try:
        return ask(
            conn,
            kind=EgressKind(),
            subject=subject,
            payload={"agent": group, "said": said},
            agent=group,
            session=session.id,
            chat=session.messaging_group_id,
            options=rules.OPTIONS,
            lasts=rules.LASTS,
            mint=mint,
            now=now,
        )
    except UsageError:
        return None

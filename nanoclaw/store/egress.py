"""What sandboxes may reach and what they asked for, in nanoclaw.db."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from nanoclaw.core.egress import Policy, Preset, Rule, read_rule
from nanoclaw.model.egress import EgressEntry, EgressRule, Outcome
from nanoclaw.model.ids import AgentGroupId
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute, fetch, scalar
from schema.times import write_time

MOST_ENTRIES = 50_000
"""That the log keeps, of all agent groups together."""

_PRESETS = {preset.value: preset for preset in Preset}


def rules(conn: Connection, group: AgentGroupId | None = None) -> tuple[EgressRule, ...]:
    """What is allowed to *group*, or to everybody (None), in the order of their words."""
    return tuple(
        select(
            conn,
            EgressRule,
            "SELECT * FROM egress_rules WHERE agent_group_id = ? OR ? IS NULL ORDER BY agent_group_id, said",
            (group, group),
        )
    )


def policy_of(conn: Connection, group: AgentGroupId, *, now: datetime) -> Policy:
    """All that is allowed to *group* at that time. A row that makes no sense allows nothing."""
    found = [rule for rule in rules(conn, group) if rule.until is None or rule.until > now]
    folder = fetch(conn, "SELECT folder FROM agent_groups WHERE id = ?", (group,))
    return Policy(
        rules=tuple(rule for row in found if isinstance(rule := rule_of(row), Rule)),
        presets=frozenset(_PRESETS[row.said] for row in found if row.said in _PRESETS),
        agent=str(folder[0]["folder"]) if folder else "AGENT",
        asks=is_asking(conn, group),
    )


def rule_of(row: EgressRule) -> Rule | None:
    """The rule that *row* is; None: it is a preset, or makes no sense."""
    if row.said in _PRESETS:
        return None
    found = read_rule(row.said, methods=[one for one in row.methods.split(",") if one], path=row.path, near=row.near)
    return found if isinstance(found, Rule) else None


def allow(conn: Connection, rule: EgressRule) -> None:
    """Allow it, instead of what was said of the same place. Raises `ConstraintError` if there is no such group."""
    execute(conn, insert_sql("egress_rules", EgressRule, replace=True), bindings(rule))


def deny(conn: Connection, group: AgentGroupId, said: str) -> bool:
    """No longer allow it; says whether it was."""
    had = fetch(conn, "SELECT 1 FROM egress_rules WHERE agent_group_id = ? AND said = ?", (group, said))
    execute(conn, "DELETE FROM egress_rules WHERE agent_group_id = ? AND said = ?", (group, said))
    return bool(had)


def forget_over(conn: Connection, *, now: datetime) -> None:
    """Remove the rules whose time is over."""
    execute(conn, "DELETE FROM egress_rules WHERE until <= ?", (write_time(now),))


def is_asking(conn: Connection, group: AgentGroupId) -> bool:
    """Are people asked about what is refused to *group*?"""
    return scalar(conn, "SELECT 1 FROM egress_asking WHERE agent_group_id = ?", (group,)) is not None


def set_asking(conn: Connection, group: AgentGroupId, *, on: bool, now: datetime) -> None:
    """Let people be asked about it, or no longer."""
    execute(conn, "DELETE FROM egress_asking WHERE agent_group_id = ?", (group,))
    if on:
        execute(conn, "INSERT INTO egress_asking (agent_group_id, added_at) VALUES (?, ?)", (group, write_time(now)))


def add_entries(conn: Connection, entries: Iterable[EgressEntry], *, most: int = MOST_ENTRIES) -> None:
    """Keep *entries*, and no more than the newest *most* of all."""
    for entry in entries:
        execute(conn, insert_sql("egress_log", EgressEntry), bindings(entry))
    execute(conn, "DELETE FROM egress_log WHERE number <= (SELECT max(number) FROM egress_log) - ?", (most,))


def log_of(
    conn: Connection, group: AgentGroupId | None = None, outcome: Outcome | None = None, *, most: int
) -> tuple[EgressEntry, ...]:
    """The newest *most* entries, the newest first; of one group and with one outcome where they are said."""
    return tuple(
        select(
            conn,
            EgressEntry,
            "SELECT at, agent_group_id, session_id, method, place, outcome, why, sent, received, milliseconds"
            "  FROM egress_log WHERE (:group IS NULL OR agent_group_id = :group)"
            "   AND (:outcome IS NULL OR outcome = :outcome) ORDER BY number DESC LIMIT :most",
            {"group": group, "outcome": None if outcome is None else outcome.value, "most": most},
        )
    )

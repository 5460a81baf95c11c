"""The figures of `nanoclaw status`: how much there is, and how much of it is open."""

from __future__ import annotations

from attrs import frozen

from schema.sqlite import Connection, integer


@frozen(kw_only=True)
class Figures:
    """Counts over the whole home."""

    agent_groups: int
    sessions: int
    events: int
    waiting: int
    """Messages that no agent has settled yet."""
    claimed: int
    failed: int
    undelivered: int
    delivered: int
    unknown: int
    dead: int
    rejected: int
    drops: int
    sandboxes: int


def figures(conn: Connection) -> Figures:
    """Count."""

    def count(sql: str) -> int:
        return integer(conn, f"SELECT count(*) FROM {sql}")  # noqa: S608 - our own texts

    return Figures(
        agent_groups=count("agent_groups"),
        sessions=count("sessions"),
        events=count("events"),
        waiting=count("inbound WHERE status = 'pending' AND trigger = 1"),
        claimed=count("inbound WHERE claimed_epoch IS NOT NULL"),
        failed=count("inbound WHERE status = 'failed'"),
        undelivered=count("ledger WHERE state IN ('pending', 'sending')"),
        delivered=count("ledger WHERE state = 'delivered'"),
        unknown=count("ledger WHERE state = 'unknown'"),
        dead=count("ledger WHERE state = 'dead'"),
        rejected=count("ledger WHERE state = 'rejected'"),
        drops=count("drops"),
        sandboxes=count("epochs WHERE ended_at IS NULL"),
    )

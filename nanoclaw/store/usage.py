"""What the models of agents took, in tokens and money: as their runners say, and counted once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import frozen

from nanoclaw.model.ids import AgentGroupId, EpochNumber, SessionId
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute
from schema.times import write_time


@frozen(kw_only=True)
class Usage:
    """A row of usage: what one result took. Tokens; of those *read*, *cached* came from the model's cache."""

    session_id: SessionId
    epoch: EpochNumber
    seq: int
    """Counts the results of its epoch, as the runner does."""
    at: datetime
    """When the host heard of it."""
    model: str | None
    read: int
    written: int
    cached: int
    cost_usd: float | None


@frozen(kw_only=True)
class Total:
    """What one session, or one agent group, took of one model."""

    agent_group_id: AgentGroupId
    session_id: SessionId | None
    """None: all of the agent group's together."""
    model: str | None
    results: int
    read: int
    written: int
    cached: int
    cost_usd: float | None
    """None: its runners never said."""


def add(conn: Connection, rows: Iterable[Usage]) -> None:
    """Keep what results took. The same one again changes nothing."""
    for row in rows:
        execute(conn, insert_sql("usage", Usage) + " ON CONFLICT DO NOTHING", bindings(row))


def totals(conn: Connection, *, by_session: bool, since: datetime | None = None) -> list[Total]:
    """The sums since *since* (None: all that are kept), for each session or each agent group, model by model."""
    return select(
        conn,
        Total,
        "SELECT s.agent_group_id, CASE WHEN :by_session THEN u.session_id END AS session_id, u.model,"
        "       count(*) AS results, sum(u.read) AS read, sum(u.written) AS written, sum(u.cached) AS cached,"
        "       sum(u.cost_usd) AS cost_usd"
        "  FROM usage u JOIN sessions s ON s.id = u.session_id WHERE u.at >= :since"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        {"by_session": int(by_session), "since": "" if since is None else write_time(since)},
    )

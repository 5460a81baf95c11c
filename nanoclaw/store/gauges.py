"""How much of everything is open in nanoclaw.db, for figures that are asked for again and again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from nanoclaw.model.ids import AgentGroupId, ChannelName
from schema.rows import select
from schema.sqlite import Connection, fetch, integer


@frozen(kw_only=True)
class Waiting:
    """What waits to be sent on one channel."""

    channel: ChannelName
    lanes: int
    messages: int
    since: datetime
    """When the oldest was said."""


@frozen(kw_only=True)
class Gauges:
    """All of it at one moment."""

    waiting: tuple[Waiting, ...]
    due: int
    """Messages that may start a turn and that nobody has claimed."""
    claimed: int
    drops: Mapping[str, int]
    """What is on record as not passed on, by reason."""
    agents: Mapping[AgentGroupId, str]
    """Their folders."""


def gauges(conn: Connection) -> Gauges:
    """Look."""
    return Gauges(
        waiting=tuple(
            select(
                conn,
                Waiting,
                "SELECT channel, count(DISTINCT platform_id) AS lanes, count(*) AS messages, min(created_at) AS since"
                "  FROM ledger WHERE state IN ('pending', 'sending') GROUP BY channel",
            )
        ),
        due=integer(
            conn,
            "SELECT count(*) FROM inbound WHERE status = 'pending' AND trigger = 1 AND claimed_epoch IS NULL",
        ),
        claimed=integer(conn, "SELECT count(*) FROM inbound WHERE status = 'pending' AND claimed_epoch IS NOT NULL"),
        drops={
            str(row["reason"]): int(str(row["count"]))
            for row in fetch(conn, "SELECT reason, count(*) AS count FROM drops GROUP BY reason ORDER BY 2 DESC")
        },
        agents={
            AgentGroupId(str(row["id"])): str(row["folder"])
            for row in fetch(conn, "SELECT id, folder FROM agent_groups")
        },
    )

"""Which messages are over: no agent is at them any more, and nothing that answers them is still to be sent."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import NamedTuple

from nanoclaw.model.ids import ChannelName, EventId
from schema.sqlite import Connection, fetch

_OVER = (
    "SELECT e.channel, e.platform_message_id FROM events e WHERE e.id IN (SELECT value FROM json_each(:events))"
    " AND NOT EXISTS (SELECT 1 FROM inbound WHERE event_id = e.id AND status = 'pending' AND trigger = 1)"
    " AND NOT EXISTS (SELECT 1 FROM ledger WHERE state IN ('pending', 'sending')"
    "   AND channel = e.channel AND platform_id = e.platform_id"
    "   AND in_reply_to IN (SELECT id FROM inbound WHERE event_id = e.id UNION ALL SELECT e.id))"
)


class Over(NamedTuple):
    """A message that is over."""

    channel: ChannelName
    message: str
    """As its platform calls it."""


def of_events(conn: Connection, events: Collection[EventId]) -> list[Over]:
    """Those of *events* that are over."""
    if not events:
        return []
    rows = fetch(conn, _OVER, {"events": json.dumps(sorted(events))})
    return [Over(ChannelName(str(row["channel"])), str(row["platform_message_id"])) for row in rows]


def of_answer(conn: Connection, answered: str) -> list[Over]:
    """The message that a row of the ledger is `in_reply_to`, if it is over."""
    found = fetch(
        conn,
        "SELECT coalesce((SELECT event_id FROM inbound WHERE id = :answered), :answered) AS event",
        {"answered": answered},
    )
    return of_events(conn, [EventId(str(row["event"])) for row in found])

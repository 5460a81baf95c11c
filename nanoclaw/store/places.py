"""The chats that messages were said in."""

from __future__ import annotations

import json
from collections.abc import Collection

from nanoclaw.model.ids import ChannelName, InboundId
from nanoclaw.model.messages import Address
from schema.sqlite import Connection, fetch


def places_of(conn: Connection, messages: Collection[InboundId]) -> set[Address]:
    """The chats that *messages* were said in; tasks and notes were said in none."""
    rows = fetch(
        conn,
        "SELECT DISTINCT channel, platform_id, thread_id FROM inbound"
        " WHERE id IN (SELECT value FROM json_each(?)) AND kind IN ('chat', 'chat-sdk') AND channel <> 'agent'",
        (json.dumps(sorted(messages)),),
    )
    return {
        Address(
            channel=ChannelName(str(row["channel"])),
            platform_id=str(row["platform_id"]),
            thread_id=None if row["thread_id"] is None else str(row["thread_id"]),
        )
        for row in rows
    }

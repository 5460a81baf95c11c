"""What waits as context in a session is the newest: the oldest makes room for it, and is counted among the drops."""

from __future__ import annotations

import json
from datetime import datetime

from nanoclaw.core.crowds import CONTEXT_FULL, MOST_CONTEXT
from nanoclaw.model.entities import MessagingGroup, Wiring
from nanoclaw.model.ids import SessionId
from nanoclaw.store.crowds import count_context
from nanoclaw.store.forgetting import forget_events
from schema.sqlite import Connection, execute, fetch

_TOO_MANY = """
SELECT id, event_id FROM inbound INDEXED BY inbound_open
 WHERE session_id = ? AND status = 'pending' AND trigger = 0 AND claimed_epoch IS NULL
   AND kind = 'chat' AND event_id IS NOT NULL AND source_session_id IS NULL
 ORDER BY seq DESC LIMIT -1 OFFSET ?
"""


def make_room(conn: Connection, session: SessionId, chat: MessagingGroup, wiring: Wiring, *, now: datetime) -> None:
    """Remove what people said in *session* that its agent has not seen and will not: all but the newest.

    An agent is shown the newest context alone, so nothing that it would be shown goes. Neither do notes of the host.
    """
    rows = fetch(conn, _TOO_MANY, (session, MOST_CONTEXT))
    if not rows:
        return
    gone = json.dumps([row["id"] for row in rows])
    execute(conn, "DELETE FROM inbound WHERE id IN (SELECT value FROM json_each(?))", (gone,))
    forget_events(conn, [row["event_id"] for row in rows])
    count_context(conn, chat, wiring.agent_group_id, CONTEXT_FULL, times=len(rows), now=now)

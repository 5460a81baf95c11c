"""What was said in a chat itself, taken over into the thread that is engaged there later."""

from __future__ import annotations

from datetime import datetime

from nanoclaw.model.ids import EventId, InboundId, SessionId
from nanoclaw.model.messages import InboundRow
from nanoclaw.store import inbound
from schema.rows import select
from schema.sqlite import Connection, execute, scalar

MOST_TAKEN = 50
"""Rows of context that a thread takes over at once, the latest."""


def take_context(conn: Connection, thread: SessionId, chat: SessionId, *, wakes: EventId, now: datetime) -> None:
    """Copy what was kept in *chat*'s own session since *thread*'s last look, in its order, before what *wakes* it.

    Copies, because the next thread shall see it too: each is a row of its own, of the same event.
    """
    last = scalar(conn, "SELECT context_seq FROM sessions WHERE id = ?", (thread,))
    rows = select(
        conn,
        InboundRow,
        "SELECT * FROM (SELECT * FROM inbound WHERE session_id = ? AND seq > ? AND trigger = 0"
        " AND event_id <> ? AND status IN ('pending', 'completed') AND error IS NULL"  # what was withdrawn has one
        " ORDER BY seq DESC LIMIT ?) ORDER BY seq",
        (chat, last, wakes, MOST_TAKEN),
    )
    for row in rows:
        copy = inbound.NewInbound(
            id=InboundId(f"{row.id}:{thread}"),
            event_id=row.event_id,
            kind=row.kind,
            trigger=False,
            channel=row.channel,
            platform_id=row.platform_id,
            thread_id=row.thread_id,
            content=row.content,
            said_at=row.timestamp,
        )
        inbound.add(conn, copy, session=thread, now=now)
    if rows:
        execute(conn, "UPDATE sessions SET context_seq = ? WHERE id = ?", (rows[-1].seq, thread))

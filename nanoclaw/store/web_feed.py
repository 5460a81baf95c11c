"""What the web page shows, in order: noted in the transaction in which a message comes to be there."""

from __future__ import annotations

from nanoclaw.core.conversations import WEB
from nanoclaw.model.ids import EventId
from nanoclaw.model.messages import InboundEvent, LedgerRow
from schema.sqlite import Connection, execute


def note_event(conn: Connection, event_id: EventId, event: InboundEvent) -> None:
    """Somebody said *event*, which is stored; nothing to note on other channels."""
    if event.channel == WEB:
        execute(conn, "INSERT INTO web_feed (platform_id, event_id) VALUES (?, ?)", (event.platform_id, event_id))


def note_message(conn: Connection, row: LedgerRow) -> None:
    """*row* is on its way, which on a page that reads the truth is its end; nothing to note on other channels."""
    if row.channel == WEB:
        execute(
            conn,
            "INSERT INTO web_feed (platform_id, ledger_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (row.platform_id, row.id),
        )

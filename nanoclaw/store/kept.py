"""What somebody said who may not yet be heard: kept while a person decides, and no longer."""

from __future__ import annotations

from attrs import evolve

from nanoclaw.model.ids import ApprovalId, EventId
from nanoclaw.model.messages import InboundEvent
from schema import payloads
from schema.sqlite import Connection, execute, fetch_one

MOST_KEPT = 20_000
"""Characters: strangers must not fill the disk. Whoever said more has to say it again."""


def keep(conn: Connection, approval: ApprovalId, event_id: EventId, event: InboundEvent) -> None:
    """Keep *event* for *approval*: the first that is said, without its files and the name of its chat."""
    files = len(event.attachments)
    note = f"\n[{files} file{'s' if files > 1 else ''} came with this and could not be kept]" if files else ""
    if len(event.text) > MOST_KEPT:
        return
    execute(
        conn,
        "INSERT INTO kept_messages (approval_id, event_id, message) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (approval, event_id, payloads.write(evolve(event, text=f"{event.text}{note}", attachments=(), chat_name=None))),
    )


def forget(conn: Connection, approval: ApprovalId) -> None:
    """Let what was kept for *approval* be gone from the file as well, not only from its tables."""
    execute(conn, "PRAGMA secure_delete = ON")
    execute(conn, "DELETE FROM kept_messages WHERE approval_id = ?", (approval,))
    execute(conn, "PRAGMA secure_delete = OFF")


def kept(conn: Connection, approval: ApprovalId) -> tuple[EventId, InboundEvent] | None:
    """What was kept for *approval*, and the event that it was."""
    row = fetch_one(conn, "SELECT event_id, message FROM kept_messages WHERE approval_id = ?", (approval,))
    if row is None:
        return None
    return EventId(str(row["event_id"])), payloads.read_as(InboundEvent, str(row["message"]))

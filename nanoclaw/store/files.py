"""Files in nanoclaw.db: which came with which event, which go out with which message, and which the spool must hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from nanoclaw.model.files import Attachment, LedgerFile
from nanoclaw.model.ids import ChannelName, EventId, OutboundId, SessionId, SpoolId
from nanoclaw.store.inbound import WITHDRAWN
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute, fetch, integer

ATTACHED = "SELECT spool_id FROM attachments"
TO_SEND = (
    "SELECT f.spool_id FROM ledger_files f JOIN ledger l ON l.id = f.ledger_id WHERE l.state IN ('pending', 'sending')"
)
MOST_ON_PAGES = 512 << 20
"""Bytes of one session's files that can be fetched from the web page: the latest, so that no agent fills the disk."""
ON_PAGES = (
    "SELECT spool_id FROM (SELECT f.spool_id, sum(f.size) OVER"  # noqa: S608 - the number is our own
    "   (PARTITION BY l.session_id ORDER BY l.position DESC, f.position ROWS UNBOUNDED PRECEDING) AS total"
    " FROM ledger_files f JOIN ledger l ON l.id = f.ledger_id WHERE l.channel = 'web' AND l.state = 'delivered')"
    f" WHERE total <= {MOST_ON_PAGES}"
)
MOST_TO_RETRY = 256 << 20
"""Bytes of one session's files that did not arrive for certain and may be sent again: the latest."""
TO_RETRY = (
    "SELECT spool_id FROM (SELECT f.spool_id, sum(f.size) OVER"  # noqa: S608 - the number is our own
    "   (PARTITION BY l.session_id ORDER BY l.position DESC, f.position ROWS UNBOUNDED PRECEDING) AS total"
    " FROM ledger_files f JOIN ledger l ON l.id = f.ledger_id WHERE l.state IN ('dead', 'unknown')"
    "   AND NOT EXISTS (SELECT 1 FROM drops d WHERE d.key = 'dead:' || l.id))"
    f" WHERE total <= {MOST_TO_RETRY}"
)
PROMISED = f"{ATTACHED} UNION ALL {TO_SEND} UNION ALL {ON_PAGES}"
"""The files that the spool must hold: those that agents may be shown, that are still to be sent, and on pages."""
NEEDED = f"{PROMISED} UNION ALL {TO_RETRY}"
"""What of the spool is not to be removed: those, and those of dead letters that nobody has set aside."""


def keep(conn: Connection, attachments: Iterable[Attachment]) -> None:
    """Store what came with an event. What is there of the event already stays as it is."""
    for attachment in attachments:
        execute(
            conn,
            insert_sql("attachments", Attachment) + " ON CONFLICT (event_id, position) DO NOTHING",
            bindings(attachment),
        )


def of_events(conn: Connection, events: Sequence[EventId]) -> list[Attachment]:
    """What came with any of *events*, in order."""
    if not events:
        return []
    return select(
        conn,
        Attachment,
        "SELECT * FROM attachments WHERE event_id IN (SELECT value FROM json_each(?)) ORDER BY event_id, position",
        (json.dumps(events),),
    )


def of_platform_message(conn: Connection, channel: ChannelName, platform_message_id: str) -> list[SpoolId]:
    """The spool's copies of what came with a platform's message."""
    rows = fetch(
        conn,
        "SELECT spool_id FROM attachments"
        " WHERE event_id = (SELECT id FROM events WHERE channel = ? AND platform_message_id = ?) ORDER BY position",
        (channel, platform_message_id),
    )
    return [SpoolId(str(row["spool_id"])) for row in rows]


def forget_withdrawn(conn: Connection, event: EventId) -> None:
    """Forget what came with *event*, if no session has a message of it that was not withdrawn."""
    execute(
        conn,
        "DELETE FROM attachments WHERE event_id = :event"
        " AND NOT EXISTS (SELECT 1 FROM inbound WHERE event_id = :event AND error IS NOT :withdrawn)",
        {"event": event, "withdrawn": WITHDRAWN},
    )


def add_to_message(conn: Connection, message: OutboundId, files: Sequence[LedgerFile]) -> None:
    """Send *files* along with a message of the ledger."""
    for position, file in enumerate(files):
        execute(
            conn,
            "INSERT INTO ledger_files (ledger_id, position, name, size, digest, spool_id)"
            " VALUES (:message, :position, :name, :size, :digest, :spool_id)",
            {"message": message, "position": position, **bindings(file)},
        )


def of_message(conn: Connection, message: OutboundId) -> list[LedgerFile]:
    """What goes out with a message of the ledger, in order."""
    return select(
        conn,
        LedgerFile,
        "SELECT name, size, digest, spool_id FROM ledger_files WHERE ledger_id = ? ORDER BY position",
        (message,),
    )


def waiting_bytes(conn: Connection, session: SessionId) -> int:
    """How much the spool holds of what *session* has to send."""
    return integer(
        conn,
        "SELECT coalesce(sum(f.size), 0) FROM ledger l JOIN ledger_files f ON f.ledger_id = l.id"
        " WHERE l.session_id = ? AND l.state IN ('pending', 'sending')",
        (session,),
    )


def needed(conn: Connection) -> frozenset[SpoolId]:
    """The files that are not to be removed from the spool, those of them that it has."""
    return frozenset(SpoolId(str(row["spool_id"])) for row in fetch(conn, NEEDED))


def promised(conn: Connection) -> frozenset[SpoolId]:
    """The files that the spool must hold."""
    return frozenset(SpoolId(str(row["spool_id"])) for row in fetch(conn, PROMISED))


def attached(conn: Connection) -> frozenset[SpoolId]:
    """Those of them that came with events."""
    return frozenset(SpoolId(str(row["spool_id"])) for row in fetch(conn, ATTACHED))


def sizes(conn: Connection) -> dict[SpoolId, int]:
    """How many bytes each file has that a row speaks of."""
    sql = "SELECT spool_id, size FROM attachments UNION ALL SELECT spool_id, size FROM ledger_files"
    return {SpoolId(str(row["spool_id"])): int(str(row["size"])) for row in fetch(conn, sql)}


def not_needed(conn: Connection, files: Sequence[SpoolId]) -> list[SpoolId]:
    """Those of *files* that no message has any use for."""
    rows = fetch(
        conn,
        f"SELECT value FROM json_each(?) WHERE value NOT IN ({NEEDED})",  # noqa: S608 - our own text
        (json.dumps(files),),
    )
    return [SpoolId(str(row["value"])) for row in rows]

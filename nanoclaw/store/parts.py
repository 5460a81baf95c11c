"""The parts of messages that do not go out as they are, in nanoclaw.db: decided once, sent in order, each on record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from nanoclaw.core.parts import Part
from nanoclaw.model.ids import OutboundId
from schema.sqlite import Connection, execute, fetch
from schema.times import write_time


@frozen(kw_only=True)
class StoredPart:
    """One part, and what became of it."""

    number: int
    part: Part
    arrived: bool
    platform_message_id: str | None


def decide(conn: Connection, message: OutboundId, parts: Sequence[Part]) -> None:
    """The message goes out as these *parts*; as it is, if there are none. What was decided before stays."""
    changed = execute(conn, "UPDATE ledger SET parts = ? WHERE id = ? AND parts IS NULL", (max(1, len(parts)), message))
    if not changed:
        return
    for number, part in enumerate(parts):
        execute(
            conn,
            "INSERT INTO ledger_parts (ledger_id, part, text, changes, files) VALUES (?, ?, ?, ?, ?)",
            (message, number, part.text, part.changes, json.dumps(part.files)),
        )


def of_message(conn: Connection, message: OutboundId) -> tuple[StoredPart, ...]:
    """The parts of a message, in order; none, if it goes out as it is."""
    return tuple(
        StoredPart(
            number=int(str(row["part"])),
            part=Part(
                text=str(row["text"]),
                changes=None if row["changes"] is None else str(row["changes"]),
                files=tuple(json.loads(str(row["files"]))),
            ),
            arrived=row["arrived_at"] is not None,
            platform_message_id=None if row["platform_message_id"] is None else str(row["platform_message_id"]),
        )
        for row in fetch(conn, "SELECT * FROM ledger_parts WHERE ledger_id = ? ORDER BY part", (message,))
    )


def arrived(conn: Connection, message: OutboundId, number: int, platform_id: str | None, *, now: datetime) -> None:
    """Part *number* is on the platform, and the next one is being sent: of that nothing has arrived, nor failed."""
    execute(
        conn,
        "UPDATE ledger_parts SET arrived_at = ?, platform_message_id = ?"
        " WHERE ledger_id = ? AND part = ? AND arrived_at IS NULL",
        (write_time(now), platform_id, message, number),
    )
    execute(
        conn, "UPDATE ledger SET attempts = 1, doubt = 0, error = NULL WHERE id = ? AND state = 'sending'", (message,)
    )


def begin_anew(conn: Connection, message: OutboundId) -> None:
    """All parts of a message that was rejected are to be sent again."""
    execute(
        conn,
        "UPDATE ledger_parts SET arrived_at = NULL, platform_message_id = NULL WHERE ledger_id = ?",
        (message,),
    )

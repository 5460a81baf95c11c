"""Forgetting events that nothing accounts for any more, with their files and revisions."""

from __future__ import annotations

import json
from collections.abc import Iterable

from schema.sqlite import Connection, execute


def forget_events(conn: Connection, events: Iterable[object]) -> None:
    """Forget those of *events* that no session has heard and no drop accounts for; None among them is none."""
    named = json.dumps(sorted({str(event) for event in events if event is not None}))
    over = (
        "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT event_id FROM inbound WHERE event_id = value)"
        " AND value NOT IN (SELECT event_id FROM drops WHERE event_id = value)"
    )
    for table, column in (("revisions", "event_id"), ("attachments", "event_id"), ("events", "id")):
        execute(conn, f"DELETE FROM {table} WHERE {column} IN ({over})", (named,))  # noqa: S608 - our own words

"""Where the model's session was at each settled turn, kept to go back there; in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from schema.sqlite import Connection, execute, fetch


def keep(conn: Connection, messages: Iterable[str], state: str) -> None:
    """The turn that settled *messages* left the model's session so; *state* is JSON. What is kept already stays."""
    for message in messages:
        execute(conn, "INSERT OR IGNORE INTO continuations (inbound_id, state) VALUES (?, ?)", (message, state))


def as_of(conn: Connection, settled: Sequence[str]) -> str | None:
    """What to give the next sandbox so that its model remembers the turns that settled *settled*, and none later.

    Args:
      conn: Where they are kept.
      settled: Messages, in the order in which they were settled.

    Returns the last that is known of them, as JSON; None if nothing is.
    """
    last = fetch(
        conn,
        "SELECT c.state FROM continuations c JOIN json_each(?) j ON j.value = c.inbound_id ORDER BY j.key DESC LIMIT 1",
        (json.dumps(settled),),
    )
    return str(last[0]["state"]) if last else None

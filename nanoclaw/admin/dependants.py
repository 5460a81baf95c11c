"""Why something cannot be deleted, in a sentence that says what to do first."""

from __future__ import annotations

from collections import Counter

from nanoclaw.errors import UsageError
from nanoclaw.store.dependants import dependants
from schema.sqlite import Connection

FIRST = {
    "wirings": ("wiring", "nanoclaw wirings delete"),
    "destinations": ("destination", "nanoclaw destinations remove"),
    "members": ("membership", "nanoclaw members remove"),
    "roles": ("role", "nanoclaw roles revoke"),
}
"""What a person can take away."""
HISTORY = {"sessions": "session", "engagements": "engagement", "questions": "question"}
"""What has happened, and stays."""


def refuse_if_used(conn: Connection, table: str, row_id: str, what: str) -> None:
    """Raises `UsageError` if anything but records refers to the row of that id."""
    found = dependants(conn, table, row_id)
    if not found:
        return
    commands = [FIRST[name][1] for name in found if name in FIRST]
    sentence = f"{what} is still used by {count(found)}"
    if commands:
        sentence += f": take them away first, with {', '.join(commands)}"
    if any(name in HISTORY for name in found):
        sentence += (
            "; what was said in its sessions is kept, and it with them"
            if commands
            else ": what was said there is kept, and it with that. It hears and says nothing any more"
        )
    raise UsageError(sentence)


def count(found: Counter[str]) -> str:
    """How many of what, in words."""
    words = {name: word for name, (word, _) in FIRST.items()} | HISTORY
    return ", ".join(f"{number} {words[name]}{'s' if number > 1 else ''}" for name, number in found.items())

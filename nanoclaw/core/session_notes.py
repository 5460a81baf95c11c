"""What an agent is told that goes on from an earlier turn of a session: what was said until then, quoted. Pure."""

from __future__ import annotations

import json

from nanoclaw.core.notices import plain
from nanoclaw.core.session_cut import Cut

MOST_CHARACTERS = 20_000
"""Of what is quoted; the latest stays."""
MOST_LINE = 2_000
SAID_IN = ("text", "prompt", "question")
"""Where the words of a message are, by its kind."""
SYSTEM = "system"


def recollection(found: Cut, why: str, *, remembers: bool) -> str:
    """A note that says *why* it is there; it quotes what was said up to the turn of *found*, unless the model knows.

    Args:
      found: The session as of that turn.
      why: What has happened.
      remembers: Does the model go on with what it knew then?
    """
    if remembers:
        return f"{why} You remember it as it was then; what was said later is not part of it."
    said = [(row.seq, _line(row.content, "")) for row in found.came if row.kind.value != SYSTEM]
    said += [(row.seq or 0, _line(row.content, "you")) for row in found.went]
    lines = [line for _, line in sorted(said, key=lambda one: one[0]) if line]
    kept: list[str] = []
    room = MOST_CHARACTERS
    for line in reversed(lines):
        room -= len(line) + 1
        if room < 0:
            kept.append("> […]")
            break
        kept.append(line)
    quoted = "\n".join(reversed(kept))
    return f"{why} What was said until then, quoted, and answered already:\n{quoted}"


def _line(content: str, speaker: str) -> str:
    """One message as a quoted line; nothing, if it has no words."""
    try:
        said = json.loads(content)
    except ValueError:
        return ""
    if not isinstance(said, dict):
        return ""
    words = next((str(said[name]) for name in SAID_IN if said.get(name)), "")
    who = speaker or str(said.get("sender") or "somebody")
    return f"> {plain(who, 80)}: {plain(words, MOST_LINE)}" if words.strip() else ""

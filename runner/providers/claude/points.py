"""Points of a session of the command line, to which one can go back: what a turn has reached, by its name.

`SESSION` is a session as it is by now; `SESSION@MESSAGE` is what it was once the model had said that message, by the id
that stands in the transcript. To go on from there, the transcript's beginning is copied into a session of its own. The
command line's own way (`--resume-session-at`) knows no message that came before a compaction (measured: 2.1.330).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import uuid4

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_POINT = re.compile(f"({_UUID})@({_UUID})", re.ASCII)


def name_point(session: str | None, reached: str | None) -> str | None:
    """The name of where *session* is, the model having said *reached* last; None where that is not known."""
    return None if session is None or reached is None else f"{session}@{reached}"


def resumable(continuation: str | None, state: Path) -> str | None:
    """The session to resume for *continuation*: itself, or a new one that is what it was at that point.

    Args:
      continuation: A session, a point of one, or None.
      state: The folder in which the command line keeps its state.

    Returns one that the command line does not know, and will say so of, where the point is not there any more.

    Raises:
      OSError: the transcript cannot be read, or the new one not be written.
    """
    point = None if continuation is None else _POINT.fullmatch(continuation)
    if point is None:
        return continuation
    session, message = point.groups()
    new = str(uuid4())
    for transcript in state.glob(f"projects/*/{session}.jsonl"):
        part = transcript.with_name(f"{new}.part")
        try:
            # It may be half written, also in the middle of a sign.
            with transcript.open(encoding="utf-8", errors="replace") as lines, part.open("x", encoding="ascii") as file:
                found = False
                for line, is_last in until(lines, message, new):
                    file.write(line)
                    found = is_last
            if found:
                part.rename(transcript.with_name(f"{new}.jsonl"))
        finally:
            part.unlink(missing_ok=True)
    return new


def until(lines: Iterable[str], message: str, session: str) -> Iterator[tuple[str, bool]]:
    """The lines of a transcript up to *message*, as those of *session*; with each, is it that of *message*?"""
    for line in lines:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(entry, dict):
            continue
        if "sessionId" in entry:
            entry["sessionId"] = session
        is_last = entry.get("uuid") == message
        # Half of an emoji, as what cuts a text leaves it, can be written in ASCII only.
        yield json.dumps(entry, separators=(",", ":")) + "\n", is_last
        if is_last:
            return

"""Which of the files that an agent names are sent with its message, and what it is told of the others. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from nanoclaw.core.attachments import size_in_words
from nanoclaw.core.notices import plain
from schema.files import MOST_FILE_BYTES, MOST_FILES

MOST_WAITING_BYTES = 256 << 20
"""Of one session's files that are still to be sent: ten of the largest, so that no agent fills the host's disk."""
MOST_COMPONENT_BYTES = 255
"""Of a file's name, as file systems have it."""
MOST_SHOWN = 80
"""Characters of a name, in the host's own words."""
TOO_LARGE = f"larger than {size_in_words(MOST_FILE_BYTES)}"
NO_ROOM = f"what waits to be sent has {size_in_words(MOST_WAITING_BYTES)} already"


@frozen
class Unsent:
    """A file that is not sent."""

    name: str
    """As it can be shown."""
    why: str


def unsent(name: str, why: str) -> Unsent:
    """The file that an agent called *name* is not sent, and *why*."""
    return Unsent(plain(name, MOST_SHOWN) or "(no name)", why)


def choose(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[Unsent, ...]]:
    """Of the *names* in a message those that are looked for, each once, and why the others are not."""
    looked_for: list[str] = []
    refused: list[Unsent] = []
    distinct = list(dict.fromkeys(names))
    for name in distinct[:MOST_FILES]:
        if _is_component(name):
            looked_for.append(name)
        else:
            refused.append(unsent(name, "that is no name of a file"))
    left = len(distinct) - MOST_FILES
    if left > 0:
        refused.append(Unsent(f"{left} more", f"a message has at most {MOST_FILES} files"))
    return tuple(looked_for), tuple(refused)


def most_bytes(waiting: int) -> int:
    """How large the next file may be, when so many bytes of the session's wait to be sent."""
    return max(0, min(MOST_FILE_BYTES, MOST_WAITING_BYTES - waiting))


def too_large(most: int) -> str:
    """Why a file with more than *most* bytes is not sent, where *most* is what `most_bytes` said."""
    return TOO_LARGE if most == MOST_FILE_BYTES else NO_ROOM


def notice(seq: int, refused: Sequence[Unsent], *, nothing_left: bool) -> str:
    """What the agent is told about its message number *seq*."""
    files = "; ".join(f"{one.name} ({one.why})" for one in refused)
    what = "was not sent, as it had nothing but these files" if nothing_left else "was sent without these files"
    return f"message {seq} {what}: {files}"


def _is_component(name: str) -> bool:
    """Is this one name, and not a path to somewhere?"""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        return False
    try:
        return len(name.encode()) <= MOST_COMPONENT_BYTES
    except UnicodeEncodeError:
        return False

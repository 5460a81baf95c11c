"""What files are called in the folder of their message. Pure. What people see of a name, the host decides."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from runner.core.text import one_line

MOST_NAME_BYTES = 200
NAMELESS = "file"


def file_names(names: Iterable[str]) -> tuple[str, ...]:
    """The *names* as files in one folder can have them: the last component of each, and no two alike."""
    found: list[str] = []
    for name in map(_name, names):
        numbered = (f"{number}-{name}" for number in count(2))
        found.append(name if name not in found else next(other for other in numbered if other not in found))
    return tuple(found)


def _name(name: str) -> str:
    last = one_line(name.rpartition("/")[2], MOST_NAME_BYTES)
    short = last.encode(errors="replace")[:MOST_NAME_BYTES].decode(errors="ignore")
    return short if short.strip(".") else NAMELESS

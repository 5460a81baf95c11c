"""What a file may be called here, whatever its sender called it. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import count

MOST_NAME_BYTES = 140
"""In UTF-8. File systems take 255, those that encrypt names 143."""
MOST_ENDING_BYTES = 16
"""Of what follows the last dot: it is kept when a name is cut."""
NAMELESS = "file"

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_SEPARATORS = "/\\"


def safe_name(name: str) -> str:
    """*name* as a file can be called: one component of a path, in NFC, readable, at most `MOST_NAME_BYTES` long.

    It begins neither with a dot, which would hide it, nor with a dash, which programs would take for an option, and
    ends neither with a dot nor with a space. A safe name stays as it is.
    """
    seen = "".join(_shown(character) for character in name)
    line = " ".join(unicodedata.normalize("NFC", seen).split())
    return _cut(line.lstrip(" .-").rstrip(" ."), MOST_NAME_BYTES) or NAMELESS


def safe_names(names: Iterable[str]) -> tuple[str, ...]:
    """The *names* of files that lie side by side, each made safe, and no two alike but for the size of letters."""
    taken: set[str] = set()
    found = []
    for name in map(safe_name, names):
        free = next(candidate for candidate in _candidates(name) if candidate.casefold() not in taken)
        taken.add(free.casefold())
        found.append(free)
    return tuple(found)


def size_in_words(size: int) -> str:
    """*size* bytes, for people: `1.5 MiB`."""
    if size < 1 << 10:
        return f"{size} B"
    number, unit = (size / (1 << 10), "KiB") if size < 1 << 20 else (size / (1 << 20), "MiB")
    return f"{number:.1f} {unit}".replace(".0 ", " ")


def _shown(character: str) -> str:
    if character in _SEPARATORS:
        return "_"
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in _UNSEEN else character


def _candidates(name: str) -> Iterable[str]:
    yield name
    stem, ending = _parts(name)
    for number in count(2):
        mark = f" ({number})"
        room = MOST_NAME_BYTES - len(mark) - len(ending.encode())
        yield _cut(stem, room).rstrip(" .") + mark + ending


def _cut(name: str, most: int) -> str:
    """*name* with as much less of its stem as it takes to have *most* bytes."""
    if len(name.encode()) <= most:
        return name
    stem, ending = _parts(name)
    room = most - len(ending.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(" .") + ending


def _parts(name: str) -> tuple[str, str]:
    """The stem and the ending with its dot; what is too long for an ending belongs to the stem."""
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending.encode()) > MOST_ENDING_BYTES:
        return name, ""
    return stem, dot + ending

"""What of a machine no sandbox may see, whatever an operator allows, and whether a path meets it. Pure.

Names are compared component by component, never as parts of a word. They are compared as if every file system took
capitals for small letters and every way to write an accent for the same one: where it does not, that refuses a little
more than it must, and where it does, nothing gets past by another spelling.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from typing import TypeAlias

Components: TypeAlias = tuple[str, ...]

NAMES = (
    *(".ssh", ".gnupg", ".gpg", ".password-store", "Library/Keychains"),
    *(".aws", ".azure", ".gcloud", ".config/gcloud", ".kube", ".docker", ".config/gh"),
    *(".netrc", ".npmrc", ".pypirc", ".cargo/credentials*", ".git-credentials"),
    *(".mozilla", ".config/google-chrome"),
    *(".env*", "id_*", "*.pem", "*.key", "private_key*", "credentials*", "secrets*", ".secret*"),
)
"""Patterns of names, also of several components, that keys and passwords are kept under."""

PLACES = (
    *("/etc", "/proc", "/sys", "/dev", "/boot", "/root", "/run", "/var/run"),
    *("/var/lib/docker", "/var/lib/containerd"),
)
"""What belongs to the machine itself."""


def components(path: str) -> Components:
    """The names in an absolute path; the root has none."""
    return tuple(name for name in path.split("/") if name)


def fold(name: str) -> str:
    """*name* as names are compared."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_inside(inner: str, outer: str, *, folds: bool) -> bool:
    """Is the absolute path *inner* the same as *outer*, or below it?

    Args:
      inner: A path without links in it.
      outer: Another.
      folds: Compare as `fold` does; else to the letter.
    """
    split = _folded if folds else components
    low, high = split(inner), split(outer)
    return low[: len(high)] == high


@lru_cache(maxsize=1024)
def _folded(path: str) -> Components:
    return tuple(map(fold, components(path)))


def blocked_name(path: str, patterns: Iterable[str] = NAMES) -> str | None:
    """The pattern that some of the names in *path* match; None if none does."""
    return _match(_folded(path), patterns, anywhere=True)


def blocked_last(path: str, patterns: tuple[str, ...] = NAMES) -> str | None:
    """The same for the last name in *path* alone, or the last names, where a pattern has several.

    Quick for names that match nothing: it is asked of every name in a folder.
    """
    if _last_names(patterns).match(fold(path.rpartition("/")[2])) is None:
        return None
    return _match(_folded(path), patterns, anywhere=False)


def meets(path: str, places: Iterable[str]) -> str | None:
    """The first of *places* that *path* is, lies in, or contains; None if there is none."""
    for place in places:
        if is_inside(path, place, folds=True) or is_inside(place, path, folds=True):
            return place
    return None


def places_of(home: str, patterns: Iterable[str] = NAMES) -> tuple[str, ...]:
    """Where in a user's home folder keys and passwords are kept, whether there are any yet or not."""
    return tuple(f"{home.rstrip('/')}/{pattern}" for pattern in patterns if not set(pattern) & set("*?["))


@lru_cache
def _last_names(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Matches whatever the last name of a pattern matches."""
    return re.compile("|".join(translate(fold(pattern.rpartition("/")[2])) for pattern in patterns) or "(?!)")


def _match(names: Sequence[str], patterns: Iterable[str], *, anywhere: bool) -> str | None:
    for pattern in patterns:
        wanted = tuple(map(fold, pattern.split("/")))
        last = len(names) - len(wanted)
        for start in range(0 if anywhere else max(last, 0), last + 1):
            if all(map(fnmatchcase, names[start : start + len(wanted)], wanted)):
                return pattern
    return None

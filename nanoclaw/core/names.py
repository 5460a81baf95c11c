"""Which one is meant by what somebody typed? Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TypeAlias

from attrs import frozen

FOLDER = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@frozen
class Named:
    """Something that has an id, and names that people use for it; the first name is what it is called."""

    id: str
    names: tuple[str, ...]


@frozen
class Found:
    """It is this one."""

    id: str


@frozen
class Nobody:
    """None is called so."""

    close: tuple[str, ...]
    """What might have been meant."""


@frozen
class Ambiguous:
    """Several could be meant."""

    among: tuple[Named, ...]


Meaning: TypeAlias = Found | Nobody | Ambiguous


def find(typed: str, known: Iterable[Named]) -> Meaning:
    """The one that *typed* means: by its whole id, else its whole name, else by how only its id or name begins.

    Names are compared without regard to capitals; ids are not names, and their capitals count.
    """
    all_of_them = list(known)
    folded = typed.casefold()
    by_id = [one for one in all_of_them if one.id == typed]
    by_name = [one for one in all_of_them if any(name.casefold() == folded for name in one.names)]
    by_start = [
        one
        for one in all_of_them
        if typed and (one.id.startswith(typed) or any(name.casefold().startswith(folded) for name in one.names))
    ]
    for matches in (by_id, by_name, by_start):
        if len(matches) == 1:
            return Found(matches[0].id)
        if matches:
            return Ambiguous(tuple(matches))
    return Nobody(_close(typed, all_of_them))


def is_folder(name: str) -> bool:
    """May an agent group's folder be called that? One plain name, so that it can be nowhere else."""
    return FOLDER.fullmatch(name) is not None


def _close(typed: str, known: Sequence[Named]) -> tuple[str, ...]:
    spelt = {name.casefold(): one for one in reversed(known) for name in one.names}
    meant = (spelt[name].names[0] for name in get_close_matches(typed.casefold(), spelt, n=3))
    return tuple(dict.fromkeys(meant))

"""Readable messages out of what calls say: small pieces for all templates. Pure.

What stands in a call was mostly written by strangers: titles on one line, long texts as quotes, and all of it cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.notices import plain, visible

MOST_LINE = 300
MOST_QUOTE = 4_000
MOST_ITEMS = 20


@frozen
class Nothing:
    """Agents are not told of it, on purpose."""

    why: str


Told: TypeAlias = str | Nothing


def at(value: object, *path: str) -> object:
    """What is found under those names, one inside the other; None where one is not there."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def line(value: object, *path: str) -> str:
    """A text or a number under those names, on one line; empty where there is none."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    return plain(str(found), MOST_LINE)


def quote(value: object, *path: str) -> str:
    """A text under those names as a quote, cut; empty where there is none."""
    found = at(value, *path)
    if not isinstance(found, str) or not found.strip():
        return ""
    text = visible(found.replace("\r\n", "\n")).strip()
    return "\n".join(f"> {one}".rstrip() for one in cut(text, MOST_QUOTE).split("\n"))


def cut(text: str, most: int) -> str:
    """*text*, or its beginning where it is longer than that."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def listed(lines: list[str]) -> list[str]:
    """Those as items, and how many more there are."""
    more = len(lines) - MOST_ITEMS
    return [f"- {one}" for one in lines[:MOST_ITEMS]] + ([f"- and {more} more"] if more > 0 else [])


def lines(*parts: str) -> str:
    """The parts that are there, one under the other."""
    return "\n".join(part for part in parts if part)


def titled(text: str) -> str:
    """*text* as a title, or nothing."""
    return f"“{text}”" if text else ""


def words(*parts: str) -> str:
    """The parts that are there, with blanks between."""
    return " ".join(part for part in parts if part)

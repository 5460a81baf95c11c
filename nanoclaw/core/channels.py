"""What a channel may be called, and what it is told: its settings, put together from where they lie. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from attrs import frozen

MOST_NAME = 40
RESERVED = frozenset({"agent", "terminal", "web"})
"""Channels that are always there, and agents, who write to each other."""
OF_PROGRAMS = frozenset({"webhook"})
"""Kinds of channels on which programs speak, and not people."""
MOST_SETTING = 4096
"""Characters of one setting."""
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


@frozen(kw_only=True)
class Wanted:
    """One setting that a channel has."""

    name: str
    secret: bool
    default: str | None
    """None: it has to be said."""


@frozen(kw_only=True)
class Settings:
    """What a channel is told, sorted by where it is kept; defaults are in neither."""

    plain: Mapping[str, str]
    secret: Mapping[str, str]


@frozen
class BadChannel:
    """It cannot be; the sentence says why, and what to do. No secret is in it."""

    why: str


Sorted: TypeAlias = Settings | BadChannel


def judge_name(name: str, there: Collection[str]) -> BadChannel | None:
    """May a new channel be called *name*, where others are *there*? None: it may."""
    if not _NAME.fullmatch(name) or len(name) > MOST_NAME:
        return BadChannel(
            f"{name!r} is no name of a channel: small letters and digits, in words with hyphens between them,"
            f" a letter first, at most {MOST_NAME} in all"
        )
    if name in RESERVED:
        return BadChannel(f"{name} is what nanoclaw itself calls something: choose another name")
    if name in there:
        return BadChannel(f"there is a channel called {name} already: choose another name, such as {name}-2")
    return None


def sort_settings(wanted: Sequence[Wanted], said: Mapping[str, str]) -> Sorted:
    """Sort what was *said* of a channel by where it is kept; what is as by default is not kept."""
    known = {one.name: one for one in wanted}
    for name, value in said.items():
        if name not in known:
            return BadChannel(f"there is no setting {name!r}; there are {', '.join(known) or 'none'}")
        if len(value) > MOST_SETTING or not value.isprintable():
            return BadChannel(f"{name}: at most {MOST_SETTING} characters, all of which can be printed")
    missing = [name for name, one in known.items() if not said.get(name) and one.default is None]
    if missing:
        return BadChannel(f"it has to be told: {', '.join(missing)}")
    kept = {name: value for name, value in said.items() if value and value != known[name].default}
    return Settings(
        plain={name: value for name, value in kept.items() if not known[name].secret},
        secret={name: value for name, value in kept.items() if known[name].secret},
    )


def join_settings(
    wanted: Sequence[Wanted], plain: Mapping[str, str], secret: Mapping[str, str]
) -> dict[str, str] | BadChannel:
    """All that a channel is told, from where it is kept; what its kind no longer asks is left out."""
    found: dict[str, str] = {}
    for one in wanted:
        value = (secret if one.secret else plain).get(one.name) or one.default
        if value is None:
            where = "secrets/channels.json does not have it" if one.secret else "it was never told"
            return BadChannel(f"its {one.name} is missing: {where}. Remove the channel and add it again")
        found[one.name] = value
    return found

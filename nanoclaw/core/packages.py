"""Which packages may an agent group's image have besides? Names only, and only names that are nothing else. Pure.

The names come from people, and later from agents, and end in a command that root runs while an image is built. So what
is allowed is told, not what is forbidden: plain letters, digits and a few signs that mean nothing to a shell, no dash
at either end (apt removes what ends in one), no version, no path, no address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from schema.requests import MOST_PACKAGES

MOST = 20
"""Of each kind, for one agent group."""
_KINDS: dict[str, tuple[re.Pattern[str], int]] = {
    "apt": (re.compile(r"[a-z0-9][a-z0-9.+-]*[a-z0-9+]"), 100),
    "npm": (re.compile(r"(?:@[a-z0-9][a-z0-9._-]*/)?[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?"), 214),
    "pip": (re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"), 100),
}
KINDS = tuple(_KINDS)
_MOST_TEXT = 16_384
_MOST_QUOTED = 60


@frozen(kw_only=True)
class Packages:
    """What an agent group's image has besides: valid names, each once, in order."""

    apt: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()

    @property
    def none(self) -> bool:
        """Is there nothing to install?"""
        return not (self.apt or self.npm or self.pip)


@frozen
class Refused:
    """The settings name something that cannot be a package."""

    why: str
    """For people: what, and what would do."""


def is_name(kind: str, name: str) -> bool:
    """May a package of that *kind*, one of `KINDS`, be called that?"""
    pattern, longest = _KINDS[kind]
    return len(name) <= longest and pattern.fullmatch(name) is not None


Parsed: TypeAlias = Packages | Refused


def asked_for(apt: Sequence[str], npm: Sequence[str], pip: Sequence[str]) -> Parsed:
    """What an agent asks for; or why it may not, for the agent."""
    many = len(apt) + len(npm) + len(pip)
    if not 1 <= many <= MOST_PACKAGES:
        return Refused(f"1 to {MOST_PACKAGES} packages can be asked for at a time, and these are {many}")
    return parse(json.dumps({"apt": list(apt), "npm": list(npm), "pip": list(pip)}))


def together(has: Packages, more: Packages) -> Parsed:
    """Both; or why that is too much."""
    return parse(written(Packages(apt=has.apt + more.apt, npm=has.npm + more.npm, pip=has.pip + more.pip)))


def written(packages: Packages) -> str:
    """As the settings of an agent group have them; `parse` reads it."""
    names = {"apt": packages.apt, "npm": packages.npm, "pip": packages.pip}
    return json.dumps({kind: sorted(set(those)) for kind, those in names.items() if those})


def parse(text: str) -> Parsed:
    """The packages that the JSON of an agent group's settings names, or why it may not have them."""
    if len(text) > _MOST_TEXT:
        return Refused(f"packages: {len(text)} characters are more than {_MOST_TEXT}")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return Refused("packages: not JSON")
    if not isinstance(found, dict):
        return Refused('packages: not an object such as {"apt": ["jq"]}')
    unknown = sorted(set(found) - set(KINDS))
    if unknown:
        return Refused(f"packages: {_quoted(unknown[0])} is no kind of package; there are {', '.join(KINDS)}")
    kinds: dict[str, tuple[str, ...]] = {}
    for kind, names in found.items():
        wrong = _wrong(kind, names)
        if wrong is not None:
            return wrong
        kinds[kind] = tuple(sorted(set(names)))
    return Packages(**kinds)


def _wrong(kind: str, names: object) -> Refused | None:
    if not isinstance(names, list):
        return Refused(f"packages.{kind}: not a list of names")
    if len(names) > MOST:
        return Refused(f"packages.{kind}: {len(names)} are more than {MOST}")
    for name in names:
        if not isinstance(name, str) or not is_name(kind, name):
            return Refused(
                f"packages.{kind}: {_quoted(name)} cannot be a package's name; give it without version, path or option"
            )
    return None


def _quoted(value: object) -> str:
    shown = ascii(value)
    return shown if len(shown) <= _MOST_QUOTED else f"{shown[:_MOST_QUOTED]}…"

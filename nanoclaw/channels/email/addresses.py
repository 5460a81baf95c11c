"""Mail addresses and message ids, read strictly: rights hang on an address. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from attrs import frozen

from nanoclaw.core.notices import plain

MOST_ADDRESS = 254
MOST_FIELD = 2_000
MOST_ID = 250
"""Characters of a message id. Longer ones exist, and stand for no thread."""
MOST_IDS = 200
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"({_ATOM}+(?:\.{_ATOM}+)*)@({_LABEL}(?:\.{_LABEL})*)", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ID = re.compile(r"<([!-;=?-~]{1,250})>", re.ASCII)


@frozen(kw_only=True)
class Mailbox:
    """One person, as a header names them."""

    name: str
    """What they call themselves, still encoded; empty if they do not."""
    address: str
    """In small letters."""
    exact: bool
    """Can the header mean nobody else, whoever reads it?"""


def canonical(address: str) -> str | None:
    """*address* in small letters; None: it is none that we can write to. Quoted and non-ASCII ones are none."""
    if len(address) > MOST_ADDRESS or _ADDRESS.fullmatch(address) is None:
        return None
    return address.lower()


def domain_of(address: str) -> str:
    """What stands behind the `@`."""
    return address.rpartition("@")[2]


def is_domain(text: str) -> bool:
    """Can *text* stand behind the `@`?"""
    return canonical(f"x@{text}") is not None


def is_among(address: str, listed: Collection[str]) -> bool:
    """Is *address* among those *listed*: addresses, whole domains, or `*` for everybody?"""
    return not {"*", address, domain_of(address)}.isdisjoint(listed)


def mailbox(field: str) -> Mailbox | None:
    """The one mailbox of a field such as `Ada <ada@example.org>`; None: there are several, none, or it is not clear."""
    line = field.strip()
    if len(line) > MOST_FIELD:
        return None
    if (bare := canonical(line)) is not None:
        return Mailbox(name="", address=bare, exact=True)
    phrase, opened, rest = line.rpartition("<")
    address = canonical(rest.removesuffix(">"))
    if not opened or not rest.endswith(">") or address is None:
        return None
    words = _QUOTED.sub("", phrase)
    if any(sign in words for sign in '<>,;"\\'):
        return None
    name = _QUOTED.sub(lambda found: re.sub(r"\\(.)", r"\1", found[1]), phrase)
    return Mailbox(name=name.strip(), address=address, exact=not any(sign in words for sign in "@:()"))


def addresses_in(fields: list[str]) -> frozenset[str]:
    """All that looks like an address in *fields*. Only good for finding our own."""
    return frozenset(found[0].lower() for field in fields for found in _ADDRESS.finditer(field[:100_000]))


def ids_in(fields: list[str]) -> tuple[str, ...]:
    """The message ids in *fields*, without their brackets, each once, in order."""
    found = (match[1] for field in fields for match in _ID.finditer(field[:100_000]))
    every = tuple(dict.fromkeys(found))
    return every if len(every) <= MOST_IDS else (every[0], *every[1 - MOST_IDS :])


def is_id(text: str) -> bool:
    """Can *text* stand between the brackets of a message id?"""
    return _ID.fullmatch(f"<{text}>") is not None


def shown_name(name: str, address: str) -> str:
    """What people see of who wrote."""
    return plain(name, 100) or address

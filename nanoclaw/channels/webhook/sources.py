"""Who may call: sources, each with a path, a template and a secret of its own. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from enum import Enum
from typing import TypeAlias

from attrs import field, frozen

from nanoclaw.errors import UsageError

PREFIX = "/hooks/"
"""How every path begins; the name of a source follows."""
LEAST_SECRET = 16
"""Characters."""
MOST_SOURCES = 40
ENCODED = "whsec_"
"""How a secret begins that is written in base64, as Standard Webhooks has it."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_HOW = "write NAME TEMPLATE SECRET, and a semicolon between two of them: repo github S3CRET; ci generic 0TH3R"


class Template(Enum):
    """How the calls of a source are signed, and what is made of them."""

    GENERIC = "generic"  # signed as Standard Webhooks says
    GITHUB = "github"
    LINEAR = "linear"

    @property
    def title(self) -> str:
        """What people call it."""
        return {Template.GENERIC: "webhook", Template.GITHUB: "GitHub", Template.LINEAR: "Linear"}[self]


@frozen(kw_only=True)
class Source:
    """Something that calls."""

    name: str
    template: Template
    key: bytes = field(repr=False)

    @property
    def path(self) -> str:
        """Where it calls."""
        return f"{PREFIX}{self.name}"


Sources: TypeAlias = dict[str, Source]
"""By their paths."""


def parse_sources(text: str) -> Sources:
    """The sources that a setting names.

    Raises:
      UsageError: it names none, or one that cannot be; no secret is repeated.
    """
    found: Sources = {}
    for number, part in enumerate(filter(None, (one.strip() for one in re.split(r"[;\n]", text))), start=1):
        words = part.split()
        if len(words) != 3:
            raise UsageError(f"source {number} has {len(words)} words instead of three: {_HOW}")
        source = _source(number, *words)
        if source.path in found:
            raise UsageError(f"there are two sources called {source.name}: give each a name of its own")
        found[source.path] = source
    if not 0 < len(found) <= MOST_SOURCES:
        raise UsageError(f"there are {len(found)} sources, and there may be 1 to {MOST_SOURCES}: {_HOW}")
    return found


def _source(number: int, name: str, template: str, secret: str) -> Source:
    if not _NAME.fullmatch(name):
        raise UsageError(f"the name of source {number} is no name: small letters, digits and hyphens, 40 at most")
    kinds = [one.value for one in Template]
    if template not in kinds:
        raise UsageError(f"source {name} has no template: there are {', '.join(kinds)}")
    key = parse_secret(f"the secret of {name}", secret, encoded=template == Template.GENERIC.value)
    return Source(name=name, template=Template(template), key=key)


def parse_secret(what: str, secret: str, *, encoded: bool = True) -> bytes:
    """The key that *secret* is; *encoded*: in base64, if it begins like that. Raises `UsageError`, about *what*."""
    if len(secret) < LEAST_SECRET:
        raise UsageError(f"{what} has less than {LEAST_SECRET} characters: choose one by chance")
    if not encoded or not secret.startswith(ENCODED):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(ENCODED), validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"{what} begins with {ENCODED} and is no base64 behind it") from None
    if len(key) < LEAST_SECRET:
        raise UsageError(f"{what} has less than {LEAST_SECRET} bytes: choose one by chance")
    return key

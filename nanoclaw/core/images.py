"""Images: what they are called, what an agent group's own is made of, and what an agent image is built on. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Set as AbstractSet
from typing import NewType, TypeAlias

from attrs import frozen

from nanoclaw.core.packages import Packages, written
from nanoclaw.model.ids import AgentGroupId

ImageId = NewType("ImageId", str)
"""`sha256:` and 64 digits. A sandbox starts from this and never from a tag, which may mean another image by then."""

AGENT_IMAGE = "nanoclaw/agent:current"
"""The last agent image whose build worked."""
REGISTRY_BASE = "python:3.12-slim"
LOCAL_BASE = "nanoclaw/base:local"
RECIPE_LABEL = "nanoclaw.recipe"
"""On a base that was made here: the digest of what it was made by."""
DIGEST_DIGITS = 12
INSTALL_MMDEBSTRAP = "apt-get install mmdebstrap"
_REPOSITORY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST_REPOSITORY = 100


# What an agent group's own image is called


def group_repository(group: AgentGroupId) -> str:
    """The repository of an agent group's own images; an id that cannot be in its name is there as a digest."""
    plain = len(group) <= _LONGEST_REPOSITORY and _REPOSITORY.fullmatch(group) is not None
    return f"nanoclaw/group-{group if plain else _digest(group)}"


def group_current(group: AgentGroupId) -> str:
    """The tag of the last image of an agent group whose build worked."""
    return f"{group_repository(group)}:current"


def group_tag(group: AgentGroupId, base: ImageId, packages: Packages) -> str:
    """The tag of an agent group's image with *packages* on top of *base*, in whichever versions it was built."""
    return f"{group_repository(group)}:{_digest(f'{base} {written(packages)}')}"


# What an agent image is built on


@frozen(kw_only=True)
class Known:
    """What is known when a base is chosen."""

    asked: str | None = None
    """The base that somebody asked for."""
    local: str = LOCAL_BASE
    """The tag of a base that is made here, with what this image needs."""
    can_make: bool
    """Is mmdebstrap here?"""
    present: AbstractSet[str] = frozenset()
    """What the engine has."""
    anew: bool = False
    """Somebody wants a newer one than that."""
    got: AbstractSet[str] = frozenset()
    """What was fetched or made just now."""
    tried: AbstractSet[str] = frozenset()
    """What no registry gave us, or could not be made, just now."""


@frozen
class Use:
    """The engine has it."""

    base: str
    local: bool
    """It was made here, with all tools: nothing has to be fetched while the image is built."""


@frozen
class Pull:
    """Ask a registry for it."""

    base: str


@frozen
class Make:
    """Make it from Debian's packages."""

    base: str


@frozen
class NoBase:
    """There is none to be had."""

    why: str
    mend: str


Base: TypeAlias = Use | Pull | Make | NoBase


def choose_base(known: Known) -> Base:
    """The next step to a base: use, pull or make one. After a pull or a make, ask again with what is known then.

    What the engine has goes before what a registry has, so that a build without a network does not wait for one. Where
    a newer one is wanted and not to be had, the one that is there will do.
    """
    wanted = [REGISTRY_BASE, known.local] if known.asked is None else [known.asked]
    at_hand = known.got if known.anew else known.got | known.present
    for base in wanted:
        if base in at_hand:
            return Use(base, local=base == known.local)
    for base in wanted:
        if base not in known.tried and base != known.local:
            return Pull(base)
        if base not in known.tried and known.can_make:
            return Make(base)
    for base in wanted:
        if base in known.present:
            return Use(base, local=base == known.local)
    if known.local not in wanted:
        return NoBase(f"the engine does not have {known.asked}, and no registry gives it to us", mend="")
    if known.can_make:
        return NoBase("no registry answers, and a base could not be made here either", mend="images/base/make")
    return NoBase("no registry answers, and a base cannot be made here without mmdebstrap", mend=INSTALL_MMDEBSTRAP)


def local_base(*, browser: bool, fonts: bool) -> tuple[str, tuple[str, ...]]:
    """The tag of the local base with these, and the packages it has on top of what every agent has."""
    extras = [("browser", "chromium")] * browser + [("fonts", "fonts-noto-cjk")] * fonts
    return "-".join([LOCAL_BASE, *(name for name, _ in extras)]), tuple(package for _, package in extras)


def base_configuration(layer: str, architecture: str, *, recipe: str) -> bytes:
    """The configuration of an image of one layer, whose SHA-256 is *layer*. Its own digest is the image's id.

    It says nothing of when or where, so the same files are the same image, and what was built on them is found again.
    Its time is the one that images/base/make gives to files.
    """
    made = "2023-11-14T22:13:20Z"
    found = {
        "architecture": architecture,
        "config": {
            "Cmd": ["bash"],
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Labels": {RECIPE_LABEL: recipe},
        },
        "created": made,
        "history": [{"created": made, "created_by": "images/base/make"}],
        "os": "linux",
        "rootfs": {"diff_ids": [f"sha256:{layer}"], "type": "layers"},
    }
    return json.dumps(found, sort_keys=True).encode()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_DIGITS]

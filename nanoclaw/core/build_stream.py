"""What an engine says while it builds or fetches an image, one JSON object after the other, made sense of. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from attrs import frozen

STEP = re.compile(r"Step (\d+)/(\d+) : (.+)", re.DOTALL)
MOST_TEXT = 2_000
"""Characters of one thing said that are kept."""
_CONTROL = re.compile(r"[^\S\n]|[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@frozen
class Step:
    """A step of the Dockerfile begins."""

    number: int
    of: int
    instruction: str


@frozen
class Cached:
    """The step that began has been done before: nothing has to be."""


@frozen
class Said:
    """A step's program, or the registry, said this."""

    text: str


@frozen
class Image:
    """An image has been made, by this id; the last one is the whole."""

    id: str


@frozen
class Failed:
    """It did not work."""

    why: str


Event: TypeAlias = Step | Cached | Said | Image | Failed


def read(found: Mapping[str, object]) -> Event | None:
    """What one object says; None: nothing of interest, or nothing we know."""
    match found:
        case {"errorDetail": {"message": str(why)}} | {"error": str(why)}:
            return Failed(_plain(why))
        case {"aux": {"ID": str(id_)}}:
            return Image(id_)
        case {"stream": str(text)}:
            return _stream(text)
        case {"status": str(status), "id": str(layer)}:
            return Said(_plain(f"{layer}: {status}"))
        case {"status": str(status)}:
            return Said(_plain(status))
        case _:
            return None


def _stream(text: str) -> Event | None:
    begun = STEP.fullmatch(text.strip())
    if begun is not None:
        return Step(int(begun[1]), int(begun[2]), _plain(begun[3]))
    if text.strip() == "---> Using cache":
        return Cached()
    said = _plain(text)
    return Said(said) if said else None


def _plain(text: str) -> str:
    # What a build says comes from strangers' programs and goes to a terminal.
    return _CONTROL.sub(" ", text).strip()[:MOST_TEXT]

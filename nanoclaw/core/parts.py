"""What one message of a platform may hold, and how a longer one is put into parts. Pure."""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen
from attrs.validators import ge, gt, optional


class Unit(Enum):
    """What a platform counts the length of a text in."""

    CHARACTERS = "characters"  # Unicode code points
    UTF16 = "utf-16"  # code units of UTF-16: an emoji is two
    BYTES = "bytes"  # of UTF-8


@frozen(kw_only=True)
class Limits:
    """What one message of a platform may hold."""

    text: int = field(validator=gt(0))
    """Of the text as it is rendered there, in `unit`."""
    unit: Unit = Unit.CHARACTERS
    files: int = field(default=10, validator=ge(0))
    """In one message; 0: the platform takes none."""
    file_bytes: int | None = field(default=None, validator=optional(gt(0)))
    """Of one file; None: as many as the house lets through."""
    both: bool = True
    """May text and files stand in one message?"""

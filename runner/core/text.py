"""What text from a model becomes before it is stored. Pure."""

from __future__ import annotations

import re

_SURROGATES = re.compile("[\ud800-\udfff]")


def storable(text: str) -> str:
    """*text* with U+FFFD for halves of surrogate pairs, which no file takes."""
    return _SURROGATES.sub("\ufffd", text)


def one_line(text: str, most: int) -> str:
    """*text* as it can stand in a list: printable, at most *most* characters, `?` for what cannot be shown."""
    return "".join(character if character.isprintable() else "?" for character in text[:most])

"""Text from strangers, made fit to stand in the host's own sentences. Pure."""

from __future__ import annotations

import unicodedata

MOST_CHARACTERS = 300
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def plain(text: str, most: int = MOST_CHARACTERS) -> str:
    """*text* on one line, without control, bidi or tag characters, cut to *most* characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def visible(text: str) -> str:
    """*text* with its lines and tabs, without any other character that nobody sees or that a terminal obeys."""
    return "".join(
        " " if character not in "\n\t" and unicodedata.category(character) in _UNSEEN else character
        for character in text
    )

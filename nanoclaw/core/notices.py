"""Text from strangers, made fit to stand in the host's own sentences. Pure."""

from __future__ import annotations

import unicodedata

MOST_CHARACTERS = 300
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def plain(text: str, most: int = MOST_CHARACTERS) -> str:
    """*text* on one line, without control, bidi or tag characters, cut to *most* characters."""
    seen = "".join(" " if unicodedata.category(character) in _UNSEEN else character for character in text)
    line = " ".join(seen.split())
    return line if len(line) <= most else line[: most - 1] + "…"

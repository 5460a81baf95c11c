"""Text from anywhere, made fit for a terminal."""

from __future__ import annotations

from rich.text import Text

from nanoclaw.core.notices import visible


def printable(text: object, style: str = "") -> Text:
    """*text* for rich to print as it is: nothing in it is markup, and nothing in it drives the terminal."""
    return Text(visible(str(text)), style=style)

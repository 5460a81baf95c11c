"""Markdown as it is understood on every channel: no markup of its own, no pictures, nothing that is not shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

MOST_MARKDOWN = 12_000
"""Characters that are parsed; what is longer is shown as it is. Hostile text can make a parser slow."""
ZERO_WIDTH = "\u200b"

_parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False, "breaks": True})
# A picture would be fetched from wherever the agent says. A definition of a link would be seen by nobody.
_parser.enable(["table", "strikethrough"]).disable(["image", "html_block", "html_inline", "reference"])
_SCHEME = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_CALLS_ALL = re.compile(r"@(?=(?:everyone|here|channel|room|all|group)(?![a-z0-9]))", re.IGNORECASE)


def parsed(markdown: str) -> Sequence[Token] | None:
    """The tokens of *markdown*; None: it is too long. Blocks for as long as a parser takes."""
    return _parser.parse(markdown) if len(markdown) <= MOST_MARKDOWN else None


def target_of(token: Token) -> str | None:
    """Where a link leads; None: nowhere that people may be led to."""
    target = str(token.attrs.get("href", ""))
    return target if _SCHEME.match(target) else None


def defused(text: str) -> str:
    """*text* in which nothing calls all members of a chat, whatever the platform: a blank without width is in it."""
    return _CALLS_ALL.sub("@" + ZERO_WIDTH, text)


def as_html(markdown: str) -> str | None:
    """The parser's own HTML of *markdown*, still to be cleaned; None: it is too long. Blocks while it is parsed."""
    return str(_parser.render(markdown)) if len(markdown) <= MOST_MARKDOWN else None

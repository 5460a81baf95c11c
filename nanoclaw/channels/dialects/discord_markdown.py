"""Markdown as Discord's own (discord.com/developers/docs/reference, "Message Formatting")."""

from __future__ import annotations

import re
from functools import lru_cache

from nanoclaw.channels.dialects.layout import Dialect, lay_out
from nanoclaw.channels.dialects.parsing import ZERO_WIDTH, defused, parsed

DEEPEST_HEADING = 3
_ADDRESS = re.compile(r"(https?://[A-Za-z0-9/:?#&=%._~+@,;!$'-]+)")
_MARKS = re.compile(r"([\\`*_~|<>\[\]()]|^[#+-]|^\d+(?=\.)|:(?=\w+:))", re.MULTILINE)


def literal(text: str) -> str:
    """*text* sign for sign."""
    return defused(_words(text))


def _words(text: str) -> str:
    # Addresses become links by themselves, and a sign before one of theirs would become part of them.
    return "".join(part if index % 2 else _MARKS.sub(r"\\\1", part) for index, part in enumerate(_ADDRESS.split(text)))


def _code(text: str) -> str:
    apart = re.sub("`(?=`)", "`" + ZERO_WIDTH, text)
    if "`" not in apart:
        return f"`{apart}`"
    return f"`` {apart} ``"


def _block(code: str, language: str) -> str:
    return f"```{language}\n{re.sub('`(?=`)', '`' + ZERO_WIDTH, code)}\n```"


def _link(target: str) -> tuple[str, str]:
    quoted = target.replace("<", "%3C").replace(">", "%3E").replace(")", "%29").replace("(", "%28")
    return "[", f"](<{quoted}>)"


def _heading(level: int) -> tuple[str, str]:
    return (f"{'#' * level} ", "") if level <= DEEPEST_HEADING else ("**", "**")


_DIALECT = Dialect(
    words=_words,
    code=_code,
    block=_block,
    spans={"strong": ("**", "**"), "em": ("*", "*"), "s": ("~~", "~~")},
    link=_link,
    heading=_heading,
    bullet="- ",
)


@lru_cache(maxsize=256)
def render(markdown: str) -> str:
    """*markdown* for a message's `content`. Blocks for as long as a parser takes."""
    tokens = parsed(markdown)
    return literal(markdown) if tokens is None else defused(lay_out(tokens, _DIALECT))

"""Markdown as text without any markup: for platforms that know none, and where they refuse it."""

from __future__ import annotations

from functools import lru_cache

from nanoclaw.channels.dialects.layout import Dialect, lay_out
from nanoclaw.channels.dialects.parsing import defused, parsed


def literal(text: str) -> str:
    """*text* sign for sign."""
    return defused(text)


_DIALECT = Dialect(
    words=lambda text: text,
    code=lambda text: text,
    block=lambda code, _: code,
    spans={"strong": ("", ""), "em": ("", ""), "s": ("", "")},
    link=lambda target: ("", f" ({target})"),
    heading=lambda _: ("", ""),
    bullet="- ",
)


@lru_cache(maxsize=256)
def render(markdown: str) -> str:
    """The words of *markdown*, with the targets of its links behind them. Blocks for as long as a parser takes."""
    tokens = parsed(markdown)
    return literal(markdown) if tokens is None else defused(lay_out(tokens, _DIALECT))

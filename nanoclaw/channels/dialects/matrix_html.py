"""Markdown as the HTML of a Matrix message's `formatted_body` (spec.matrix.org, "m.room.message msgtypes").

Matrix knows lists and tables, so the parser's own HTML is used, cleaned by an allow list of what the specification
lets through.
"""

from __future__ import annotations

import html
from functools import lru_cache

import nh3

from nanoclaw.channels.dialects.parsing import as_html, defused

TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
SCHEMES = {"http", "https", "mailto"}


def literal(text: str) -> str:
    """*text* sign for sign."""
    return defused(html.escape(text, quote=False)).replace("\n", "<br>")


@lru_cache(maxsize=256)
def render(markdown: str) -> str:
    """*markdown* as HTML. Blocks for as long as a parser takes."""
    made = as_html(markdown)
    if made is None:
        return literal(markdown)
    return defused(
        nh3.clean(
            made.encode(errors="replace").decode(),
            tags=TAGS,
            attributes={"a": {"href"}, "ol": {"start"}, "code": {"class"}},
            url_schemes=SCHEMES,
            link_rel=None,
        )
    ).strip()

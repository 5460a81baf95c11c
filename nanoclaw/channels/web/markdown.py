"""Markdown of an agent, which is hostile, as HTML that can do nothing: no markup of its own, no pictures, no forms.

Three walls, each enough by itself: the parser knows no raw HTML and escapes it; what it makes is cleaned by an allow
list of elements; and the page's policy runs no script and loads nothing that is not ours.
"""

from __future__ import annotations

import html
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

MOST_MARKDOWN = 12_000
"""Characters that are parsed; what is longer is shown as it is. Hostile text can make a parser slow."""
TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
SCHEMES = {"http", "https", "mailto"}

_parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False, "breaks": True})
# A picture would be fetched from wherever the agent says, with whatever it puts into the address.
_parser.enable(["table", "strikethrough"]).disable(["image", "html_block", "html_inline"])


@lru_cache(maxsize=512)
def render(text: str) -> str:
    """*text* as HTML. Blocks for as long as a parser takes."""
    if len(text) > MOST_MARKDOWN:
        return plain(text)
    return nh3.clean(
        _parser.render(text),
        tags=TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def plain(text: str) -> str:
    """*text* as it is."""
    return f"<pre>{html.escape(text)}</pre>"

"""The HTML of a mail as Markdown: what it says, without what only shows it. Pure."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape

import nh3
from markdownify import markdownify

MOST_HTML = 500_000
"""Characters that are read. Newsletters have a fifth of it."""
MOST_TAGS = 8_000
MOST_DEEP = 200
TAGS = {
    "a", "b", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol",
    "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^>]*>?")
_NEVER_DEEP = frozenset({"br", "hr", "img", "meta", "p", "li", "dd", "dt"})
"""What ends the one before it, or holds nothing, wherever it stands: people leave these open."""


def text_of(html: str) -> str:
    """What *html* says, as Markdown; of what would take parsers too long, its bare words. Blocks while it is parsed."""
    html = html[:MOST_HTML]
    if _is_costly(html):
        return _bare(html)
    clean = nh3.clean(
        html, tags=TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"}, link_rel=None
    )
    if _is_costly(clean):
        return _bare(clean)
    try:
        made = markdownify(clean, heading_style="ATX", bullets="-", escape_misc=False, escape_underscores=False)
    except RecursionError:
        return _bare(clean)
    return _tidy(made)


def _is_costly(html: str) -> bool:
    """Is it nested so deep, or of so many elements, that parsers would need the square of it, or never return?"""
    opened, deep = Counter[str](), 0
    for number, found in enumerate(_TAG.finditer(html)):
        name = found[2].lower()
        if found[1]:
            # One that ends nothing does not make it less deep.
            if opened[name]:
                opened[name] -= 1
                deep -= 1
        elif name not in _NEVER_DEEP:
            opened[name] += 1
            deep += 1
        if deep > MOST_DEEP or number > MOST_TAGS:
            return True
    return False


def _bare(html: str) -> str:
    return _tidy(unescape(_ANY_TAG.sub(" ", html)))


def _tidy(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.splitlines())).strip()

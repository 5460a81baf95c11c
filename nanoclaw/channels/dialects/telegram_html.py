"""Markdown as the HTML that Telegram's Bot API knows (core.telegram.org/bots/api, "HTML style")."""

from __future__ import annotations

import html
import re
from functools import lru_cache

from nanoclaw.channels.dialects.layout import Dialect, lay_out
from nanoclaw.channels.dialects.parsing import parsed

_TAG = re.compile(r"<[^>]*>")


def literal(text: str) -> str:
    """*text* sign for sign."""
    return html.escape(text, quote=False)


def _block(code: str, language: str) -> str:
    known = f' class="language-{html.escape(language)}"' if language else ""
    inner = literal(code)
    return f"<pre><code{known}>{inner}</code></pre>" if language else f"<pre>{inner}</pre>"


_DIALECT = Dialect(
    words=literal,
    code=lambda text: f"<code>{literal(text)}</code>",
    block=_block,
    spans={"strong": ("<b>", "</b>"), "em": ("<i>", "</i>"), "s": ("<s>", "</s>")},
    link=lambda target: (f'<a href="{html.escape(target)}">', "</a>"),
    heading=lambda _: ("<b>", "</b>"),
    quote=("<blockquote>", "</blockquote>"),
)


@lru_cache(maxsize=256)
def render(markdown: str) -> str:
    """*markdown* for `parse_mode` HTML. Blocks for as long as a parser takes."""
    tokens = parsed(markdown)
    return literal(markdown) if tokens is None else lay_out(tokens, _DIALECT)


def seen(rendered: str) -> str:
    """What is left of HTML when its markup has been understood: Telegram counts this."""
    return html.unescape(_TAG.sub("", rendered))

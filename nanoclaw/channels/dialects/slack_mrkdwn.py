"""Markdown as Slack's mrkdwn (docs.slack.dev, "Formatting message text")."""

from __future__ import annotations

from functools import lru_cache

from nanoclaw.channels.dialects.layout import Dialect, lay_out
from nanoclaw.channels.dialects.parsing import ZERO_WIDTH, defused, parsed


def literal(text: str) -> str:
    """*text* sign for sign, for where Slack looks for no markup: `mrkdwn` false, or an element of `plain_text`.

    Slack has no way to escape its marks for emphasis, but for the signs that call people.
    """
    return defused(_words(text))


def _words(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    return f"`{_words(text.replace('`', ZERO_WIDTH + chr(39)))}`"


def _block(code: str, _: str) -> str:
    return f"```\n{_words(code.replace('```', f'`{ZERO_WIDTH}`{ZERO_WIDTH}`'))}\n```"


def _link(target: str) -> tuple[str, str]:
    quoted = target.replace("|", "%7C").replace("<", "%3C").replace(">", "%3E").replace("&", "&amp;")
    return f"<{quoted}|", ">"


_DIALECT = Dialect(
    words=_words,
    code=_code,
    block=_block,
    spans={"strong": ("*", "*"), "em": ("_", "_"), "s": ("~", "~")},
    link=_link,
    heading=lambda _: ("*", "*"),
    quote_sign="> ",
)


@lru_cache(maxsize=256)
def render(markdown: str) -> str:
    """*markdown* as mrkdwn. Blocks for as long as a parser takes."""
    tokens = parsed(markdown)
    return literal(markdown) if tokens is None else defused(lay_out(tokens, _DIALECT))

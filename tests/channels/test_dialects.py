"""Markdown in the dialects of the platforms: what it looks like, and what a hostile agent cannot make of it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.channels.dialects import discord_markdown, matrix_html, plain, slack_mrkdwn, telegram_html
from nanoclaw.channels.dialects.parsing import MOST_MARKDOWN

DIALECTS = [discord_markdown, matrix_html, plain, slack_mrkdwn, telegram_html]
REPORT = (
    "# Report\n\nIt *is* **done**, ~~not~~.\nSee [it](https://a.b/c?d=1&e=2).\n\n- one\n- two\n  1. deep\n\n> said\n"
)
TABLE = "| a | b |\n|---|---|\n| 1 | **two** |"
LOOKS = [
    (
        telegram_html.render,
        REPORT,
        (
            '<b>Report</b>\n\nIt <i>is</i> <b>done</b>, <s>not</s>.\nSee <a href="https://a.b/c?d=1&amp;e=2">it</a>.\n\n'
            "• one\n• two\n  1. deep\n\n<blockquote>said</blockquote>"
        ),
    ),
    (
        slack_mrkdwn.render,
        REPORT,
        "*Report*\n\nIt _is_ *done*, ~not~.\nSee <https://a.b/c?d=1&amp;e=2|it>.\n\n• one\n• two\n  1. deep\n\n> said",
    ),
    (
        discord_markdown.render,
        REPORT,
        REPORT.replace("https://a.b/c?d=1&e=2", "<https://a.b/c?d=1&e=2>").strip(),
    ),
    (
        plain.render,
        REPORT,
        "Report\n\nIt is done, not.\nSee it (https://a.b/c?d=1&e=2).\n\n- one\n- two\n  1. deep\n\n> said",
    ),
    (telegram_html.render, "```py\na < b\n```", '<pre><code class="language-py">a &lt; b</code></pre>'),
    (telegram_html.render, "> a\n> > b\n>\n> c", "<blockquote>a\n\n> b\n\nc</blockquote>"),
    (telegram_html.render, ">\n\nx", "x"),
    (telegram_html.render, TABLE, "<pre>a | b\n--+----\n1 | two</pre>"),
    (telegram_html.render, "**a **b** c** <b>", "<b>a b c</b> &lt;b&gt;"),
    (telegram_html.render, "# a **b**", "<b>a b</b>"),
    (telegram_html.render, "[x](javascript:a) ![p](http://e.x)", '[x](javascript:a) !<a href="http://e.x">p</a>'),
    (telegram_html.render, "[x]: http://a.b", "[x]: http://a.b"),
    (slack_mrkdwn.render, "`a & b` <!channel> &lt;@U1&gt;", "`a &amp; b` &lt;!channel&gt; &lt;@U1&gt;"),
    (slack_mrkdwn.render, "```py\na\n```", "```\na\n```"),
    (discord_markdown.render, TABLE, "```\na | b\n--+----\n1 | two\n```"),
    (discord_markdown.render, "||x|| \\*y\\* a_b https://x.y/a_b_c", "\\|\\|x\\|\\| \\*y\\* a\\_b https://x.y/a_b_c"),
    (discord_markdown.render, "#### deep", "**deep**"),
    (discord_markdown.render, "``a`b``", "`` a`b ``"),
    (plain.render, "@every**one** @here", "@\u200beveryone @\u200bhere"),
    (
        matrix_html.render,
        "- a\n\n`x` @room <script>",
        "<ul>\n<li>a</li>\n</ul>\n<p><code>x</code> @\u200broom &lt;script&gt;</p>",
    ),
]


@pytest.mark.parametrize(("render", "markdown", "looks"), LOOKS)
def test_markdown_looks_like_this(render: Callable[[str], str], markdown: str, looks: str) -> None:
    assert render(markdown) == looks


class Tags(HTMLParser):
    """Fails where a tag is closed that is not the last one opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"b", "i", "s", "a", "code", "pre", "blockquote"}, tag
        assert tag != "blockquote" or tag not in self.open
        for name, value in attrs:
            assert (tag, name) in {("a", "href"), ("code", "class")}
            assert name != "href" or re.match(r"(?i)https?:|mailto:", value or "")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


PIECES = st.sampled_from(
    [
        *(
            "*",
            "**",
            "_",
            "~~",
            "`",
            "```",
            "```x\n",
            "\n",
            "\n\n",
            "> ",
            "- ",
            "1. ",
            "# ",
            "[",
            "](",
            ")",
            "<",
            ">",
            "|",
        ),
        *("@everyone", "@here", "@room", "@channel", "<!channel>", "<@U1>", "<@&1>", "&#64;everyone", "|a|b|\n|-|-|\n"),
        *(
            "<b>",
            "</b>",
            "[x](http://a.b)",
            "https://a.b/@everyone",
            "\\",
            "&lt;",
            "tg://user?id=1",
            "[y](tg://user?id=1)",
        ),
    ]
)
HOSTILE = st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=40).map("".join)
ANYTHING = st.one_of(HOSTILE, st.text(st.characters(), max_size=200))


@given(ANYTHING)
def test_nothing_calls_everybody(text: str) -> None:
    for dialect in DIALECTS:
        for made in (dialect.render(text), dialect.literal(text)):
            assert not re.search(r"@(everyone|here|channel|room)\b", made, re.IGNORECASE) or dialect is telegram_html
    for made in (slack_mrkdwn.render(text), slack_mrkdwn.literal(text)):
        assert not re.search(r"<(?!https?:|mailto:)", made, re.IGNORECASE)


@given(ANYTHING)
def test_tags_are_balanced_and_known_to_telegram(text: str) -> None:
    tags = Tags()
    tags.feed(telegram_html.render(text))
    tags.close()
    assert tags.open == []


@given(ANYTHING)
def test_what_the_host_says_is_literal(text: str) -> None:
    bare = re.sub("\u200b", "", text)
    assert telegram_html.seen(telegram_html.literal(text)) == text
    assert html.unescape(slack_mrkdwn.literal(bare)).replace("\u200b", "") == html.unescape(html.escape(bare))
    assert plain.literal(bare).replace("\u200b", "") == bare
    assert "<" not in matrix_html.literal(text).replace("<br>", "")
    marked = re.sub(r"https?://\S+", "", discord_markdown.literal(text).replace("\\\\", ""))
    assert not re.search(r"(?<!\\)[*_~|`<>]", marked)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "text", ["*a " * 1500, "[" * 3000, "> " * 2000, "- " * 2000, "`" * 4000, "|a" * 2000 + "\n" + "|-" * 2000, "\ud800"]
)
def test_text_that_nests_or_breaks_is_rendered_all_the_same(dialect: object, text: str) -> None:
    made = dialect.render(text)  # type: ignore[attr-defined]  # a module with the functions of a dialect
    assert len(made) < 20 * len(text) + 20


def test_what_is_too_long_to_parse_is_shown_as_it_is() -> None:
    long = "**b**" * MOST_MARKDOWN
    assert all(dialect.render(long) == dialect.literal(long) for dialect in DIALECTS)

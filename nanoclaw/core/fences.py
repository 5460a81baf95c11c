"""Where code between fences begins and ends in a Markdown text, and how a part of it stands by itself. Pure."""

from __future__ import annotations

import re
from itertools import accumulate

from attrs import frozen
from markdown_it import MarkdownIt

NEWLINES = re.compile(r"\r\n?")
MOST_INFO = 32
"""Characters of a language that are said again."""
MOST_MARKER = 16
"""Signs of a marker; one that is longer is no fence to anybody, and there would be no room to say it again."""
TAB = 4

_blocks = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["html_block", "reference"])
_blocks.core.ruler.enableOnly(["block"])
_OPENING = re.compile(r"^(?P<prefix>.*?)(?P<marker>`{3,}|~{3,})(?P<info>.*)$")
_QUOTE = re.compile(r"(?:[ ]{0,3}>[ ]?)+")


@frozen(kw_only=True)
class Fence:
    """Code between fences; all places are indexes into its text."""

    start: int
    """Of the line that opens it."""
    inside: int
    """Where its code begins."""
    inside_end: int
    """Where the line that closes it begins; the end of the code where no line does, or beyond the whole text."""
    end: int
    indent: int
    """Blanks that its lines begin with, for the sake of a list that it stands in."""
    quote: str
    """What its lines begin with, for the sake of a quotation that it stands in."""
    marker: str
    info: str


def fences_of(text: str) -> list[Fence]:
    """Every fence in *text*, whose lines end with a line feed, in order."""
    lines = text.split("\n")
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    found = []
    for token in _blocks.parse(text):
        if token.type != "fence" or token.map is None:
            continue
        first, last = token.map
        opening = _OPENING.match(lines[first])
        if opening is None or len(token.markup) > MOST_MARKER:
            continue
        after_marker = starts[first] + opening.end("marker")
        inside = after_marker if len(opening["info"]) > MOST_INFO else min(starts[first + 1], len(text))
        closed = last - first > 1 and closes(lines[last - 1], token.markup)
        prefix = opening["prefix"]
        quotes = prefix.count(">")
        end = min(starts[last], len(text))
        found.append(
            Fence(
                start=starts[first],
                inside=inside,
                inside_end=starts[last - 1] if closed else end + (end == len(text)),
                end=end,
                indent=len(prefix.expandtabs(TAB)) if not quotes else 0,
                quote="> " * quotes,
                marker=token.markup,
                info=opening["info"].strip() if inside > after_marker else "",
            )
        )
    return found


def closes(line: str, marker: str) -> bool:
    """Does *line* end code that a fence of that *marker* began?"""
    return re.fullmatch(rf"[\s>]*{re.escape(marker)}{re.escape(marker[0])}*[ \t]*", line) is not None


def cut_out(text: str, start: int, end: int, before: Fence | None, after: Fence | None) -> str:
    """The part of *text* from *start* to *end*, to stand by itself.

    Args:
      text: The whole.
      start: Where the part begins.
      end: Where it ends.
      before: The fence whose code it begins in: it is opened again.
      after: The fence whose code it ends in: it is closed.
    """
    begins_line = start == 0 or text[start - 1] == "\n"
    quote = "" if begins_line else _quote_at(text, start)
    part, pulled, kept_from = _pulled_left(
        text[start:end], before.indent if before else _indent(text, start, begins_line)
    )
    opened = f"{before.quote}{before.marker}{before.info}\n" if before else ""
    if after is None:
        return opened + quote + part
    indent = after.indent
    if after is before or after.start < start + kept_from:
        indent = max(0, indent - pulled)
    newline = "" if part.endswith("\n") or not (quote + part) else "\n"
    return f"{opened}{quote}{part}{newline}{after.quote}{' ' * indent}{after.marker}"


def _quote_at(text: str, at: int) -> str:
    line = text.rfind("\n", 0, at) + 1
    quote = _QUOTE.match(text, line, at)
    return quote.group() if quote else ""


def _indent(text: str, start: int, begins_line: bool) -> int:
    if not begins_line or start == 0:
        return 0
    line = text[start : start + 200].split("\n", 1)[0]
    return len(line) - len(line.lstrip(" "))


def _pulled_left(part: str, by: int) -> tuple[str, int, int]:
    """*part* without *by* blanks at the beginning of its lines, as far as they have them; by how much, how far."""
    if not by:
        return part, 0, 0
    done: list[str] = []
    length = 0
    lines = part.split("\n")
    for index, line in enumerate(lines):
        if line.strip(" ") and not line.startswith(" " * by) and index:
            return "\n".join([*done, *lines[index:]]), by, length
        done.append(line[min(by, len(line) - len(line.lstrip(" "))) :])
        length += len(line) + 1
    return "\n".join(done), by, length

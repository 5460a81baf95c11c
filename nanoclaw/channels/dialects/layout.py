"""Markdown laid out as lines of text, with the marks of a dialect: for platforms that know no lists or tables.

One pass over the parser's flat tokens, without recursion: text that nests a thousand times must not break it. Marks
of a kind do not stand within themselves, and whatever is opened is closed, in the opposite order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import Factory, define, frozen
from markdown_it.token import Token

from nanoclaw.channels.dialects.parsing import target_of
from nanoclaw.channels.dialects.tables import as_columns

RULE = "———"
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,32}")


@frozen(kw_only=True)
class Dialect:
    """What a platform writes where Markdown writes something else."""

    words: Callable[[str], str]
    """Words, so that no sign of them is markup."""
    code: Callable[[str], str]
    """A code span."""
    block: Callable[[str, str], str]
    """A block of code, which ends with no line feed, in a language, which may be empty."""
    spans: Mapping[str, tuple[str, str]]
    """The marks around `strong`, `em` and `s`."""
    link: Callable[[str], tuple[str, str]]
    """The marks around the words of a link that leads there."""
    heading: Callable[[int], tuple[str, str]]
    """The marks around a heading of that level."""
    bold_headings: bool = True
    """Is a heading bold already, so that nothing in it has to be?"""
    quote: tuple[str, str] | None = None
    """The marks around a quotation; None: its lines begin with a sign."""
    quote_sign: str = "> "
    bullet: str = "• "


@define
class _Container:
    """A list's item, or a quotation: what its lines begin with."""

    first: str
    rest: str


@define
class _Layout:
    """Lines so far."""

    dialect: Dialect
    lines: list[str] = Factory(list)
    inside: list[_Container] = Factory(list)
    numbers: list[int | None] = Factory(list)
    """The next number of every list that is open; None: it has bullets."""
    gap: bool = False
    """Is the next block to stand apart?"""
    quotes: int = 0
    opened: list[str] = Factory(list)
    """Marks that the next line begins with."""

    def stand_apart(self) -> None:
        if self.gap and self.lines:
            self.lines.append("".join(container.rest for container in self.inside).rstrip())
        self.gap = False

    def add(self, text: str) -> None:
        self.stand_apart()
        for line in text.split("\n"):
            begin = ""
            for container in self.inside:
                begin += container.first
                container.first = container.rest
            self.lines.append(begin + "".join(self.opened) + line)
            self.opened.clear()

    def take(self, token: Token) -> None:
        """Follow a token that is no text."""
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                number = int(token.attrs.get("start", 1)) if token.type[0] == "o" else None
                self.numbers.append(number)
            case "bullet_list_close" | "ordered_list_close":
                self.numbers.pop()
                self.gap = self.gap or not self.numbers
            case "list_item_open":
                sign = self.dialect.bullet
                if (number := self.numbers[-1]) is not None:
                    sign, self.numbers[-1] = f"{number}. ", number + 1
                self.inside.append(_Container(sign, " " * len(sign)))
            case "list_item_close":
                if self.inside[-1].first != self.inside[-1].rest:
                    self.add("")
                self.inside.pop()
            case "blockquote_open" | "blockquote_close":
                self.quote(opens=token.nesting > 0)
            case "paragraph_close":
                self.gap = not token.hidden
            case "heading_close":
                self.gap = True
            case _:
                pass

    def quote(self, *, opens: bool) -> None:
        marks = self.dialect.quote if self.quotes == (0 if opens else 1) else None
        self.quotes += 1 if opens else -1
        if opens:
            self.stand_apart()
            if marks:
                self.opened.append(marks[0])
            self.inside.append(_Container("", "") if marks else _Container(*[self.dialect.quote_sign] * 2))
            return
        if marks and self.opened:
            self.opened.clear()  # nothing stood in it
        elif marks:
            self.lines[-1] += marks[1]
        self.inside.pop()
        self.gap = True


def lay_out(tokens: Sequence[Token], dialect: Dialect) -> str:
    """The text of *tokens* in *dialect*."""
    layout = _Layout(dialect)
    heading = 0
    rest = iter(tokens)
    for token in rest:
        match token.type:
            case "inline":
                layout.add(_inline(token.children or (), dialect, heading))
            case "fence" | "code_block":
                language = _LANGUAGE.match(token.info.strip())
                layout.add(dialect.block(token.content.removesuffix("\n"), language.group() if language else ""))
                layout.gap = True
            case "hr":
                layout.add(RULE)
                layout.gap = True
            case "table_open":
                layout.add(dialect.block(as_columns(_cells(rest)), ""))
                layout.gap = True
            case "heading_open" | "heading_close":
                heading = int(token.tag[1]) if token.nesting > 0 else 0
                layout.take(token)
            case _:
                layout.take(token)
    return "\n".join(layout.lines)


def _inline(tokens: Iterable[Token], dialect: Dialect, heading: int) -> str:
    begin, end = dialect.heading(heading) if heading else ("", "")
    open_now: Counter[str] = Counter()
    if heading and dialect.bold_headings:
        open_now["strong"] = 1
    closing: list[str] = []
    parts = [begin]
    for token in tokens:
        kind, _, edge = token.type.rpartition("_")
        match token.type:
            case "text" | "text_special" | "html_inline":
                parts.append(dialect.words(token.content))
            case "softbreak" | "hardbreak":
                parts.append(" " if heading else "\n")
            case "code_inline":
                parts.append(dialect.code(token.content))
            case "link_open":
                target = target_of(token)
                opening, closed = dialect.link(target) if target else ("", "")
                parts.append(opening)
                closing.append(closed)
            case "link_close":
                parts.append(closing.pop())
            case "strong_open" | "em_open" | "s_open" | "strong_close" | "em_close" | "s_close":
                open_now[kind] -= edge == "close"
                if not open_now[kind]:
                    parts.append(dialect.spans[kind][edge == "close"])
                open_now[kind] += edge == "open"
            case _:
                parts.append(dialect.words(token.content))
    return "".join([*parts, end])


def _cells(tokens: Iterable[Token]) -> list[list[str]]:
    """The cells of the table that *tokens* are in, as plain text, up to its end."""
    rows: list[list[str]] = []
    for token in tokens:
        match token.type:
            case "table_close":
                break
            case "tr_open":
                rows.append([])
            case "inline":
                rows[-1].append(
                    "".join(child.content or " " * ("break" in child.type) for child in token.children or ())
                )
            case _:
                pass
    return rows

"""Where a long message is cut, so that every piece stands by itself and none is longer than it may be. Pure.

Blocks are kept together where they can be, then lines, sentences, words, and in the end what a reader sees as one sign.
A fence that is cut is closed and opened again with its language. No piece ends inside a link or a code span that would
fit whole into the next one, and no words become a heading or a list because a piece happens to begin with them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

from nanoclaw.core.fences import NEWLINES, Fence, closes, cut_out, fences_of
from nanoclaw.core.graphemes import is_one_sign

LEAST = 64
"""A piece has to have room for a fence around one sign."""
NEARLY_FULL = 0.97
"""A piece that holds so much of what it may is not made fuller: measuring renders."""
ROUGHLY = 64
"""The last of so many parts of a piece is not looked for: a cut goes back to the end of a word or of a line anyway."""
HALF = 2
MOST_TIMES = 8
"""No more of these times *most* characters are measured at once: markup that is not seen at all is not looked for
beyond."""

_KEPT = re.compile(
    r"(?<!`)(`{1,3})(?!`)[^`\n]{1,400}\1(?!`)"  # a code span
    r"|!?\[[^\[\]\n]{0,400}\]\([^()\s]{0,800}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?\)"  # a link
    r"|<[a-z][a-z0-9+.-]{1,31}:[^<>\s]{0,1000}>"
    r"|https?://[^\s<>]{1,1500}"
    r"|\*\*[^*\s](?:[^*\n]{0,300}[^*\s])?\*\*"
    r"|~~[^~\s](?:[^~\n]{0,300}[^~\s])?~~"
    r"|&#?[0-9a-z]{1,31};"
    r"|\\[!-/:-@\[-`{-~]",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?…\u3002\uff01\uff1f][\"')\]»”]{0,3}(?=\s)")
_PARAGRAPH = re.compile(r"\n[ \t]*(?=\n)")
_BLOCK = re.compile(r"\n(?=#{1,6} |>)")
_SPACE = re.compile(r"[ \t](?=\S)")
_NOT_BEGUN = re.compile(r"[ ]{0,3}(?:(?=[>#\-+*=|`~])|\d{1,9}(?=[.)](?:\s|$)))")
"""What would mean something else at the beginning of a line."""


def split(markdown: str, *, most: int, measure: Callable[[str], int], literal: bool = False) -> tuple[str, ...]:
    """Cut *markdown* into pieces that fit, in order. Nothing is lost but blanks at the cuts.

    Args:
      markdown: What is to be said.
      most: What *measure* may say of a piece, at least 64.
      measure: The length of a piece as its platform counts it, of the text that it will have there.
      literal: It is no Markdown, but to be shown sign for sign: nothing is closed, opened or escaped.

    Raises:
      ValueError: *most* is too little for a single sign.
    """
    if most < LEAST:
        raise ValueError(f"a piece must have room for {LEAST}, not for {most}")
    if len(markdown) <= most * MOST_TIMES and measure(markdown) <= most:
        return (markdown,)
    return tuple(_Cutter(NEWLINES.sub("\n", markdown), most, measure, literal=literal).pieces())


class _Cutter:
    """One text and its cuts."""

    def __init__(self, text: str, most: int, measure: Callable[[str], int], *, literal: bool) -> None:
        self._text = text
        self._most = most
        self._measure = measure
        self._literal = literal
        self._fences: list[Fence] = [] if literal else fences_of(text)
        kept = [] if literal else [found.span() for found in _KEPT.finditer(text)]
        kept = [span for span in kept if self._fence_at(span[0]) is None]
        kept += [(fence.start, fence.inside) for fence in self._fences]
        kept += [(fence.inside_end, fence.end) for fence in self._fences]
        self._kept = sorted(kept)
        self._kept_from = [start for start, _ in self._kept]

    def pieces(self) -> list[str]:
        found: list[str] = []
        start = self._after_blanks(0)
        while start < len(self._text):
            end = self._end(start)
            found.append(self._piece(start, end) if self._fits(start, end) else self._text[start:end])
            start = self._after_blanks(end)
        return found or [""]

    def _end(self, start: int) -> int:
        """Where the piece that begins at *start* ends: as late as it fits, then back to the best place for a cut."""
        latest = self._latest(start)
        while latest > start:
            if latest == len(self._text):
                return latest
            cut = self._best(start, latest)
            if self._fits(start, cut):
                return cut
            # Cutting off what closed some markup can make a piece longer than it was.
            latest = start + (cut - start) * 3 // 4
        return self._one_sign(start)

    def _latest(self, start: int) -> int:
        """The last end that is known to fit, found by guessing from how long pieces turned out to be."""
        fits, fits_at = start, 0
        too_far = min(len(self._text), start + self._most * MOST_TIMES)
        if too_far - start <= self._most and self._fits(start, too_far):
            return too_far
        too_far_at: int | None = None
        guess = min(start + self._most, too_far)
        while too_far - fits > (1 if fits == start else self._most // ROUGHLY):
            length = self._measure(self._piece(start, guess))
            if length <= self._most:
                fits, fits_at = guess, length
                if length >= self._most * NEARLY_FULL or guess == too_far:
                    break
            else:
                too_far, too_far_at = guess, length
            guess = self._guess(start, fits, fits_at, too_far, too_far_at)
        return fits

    def _guess(self, start: int, fits: int, fits_at: int, too_far: int, too_far_at: int | None) -> int:
        """An end in (*fits*, *too_far*), or *too_far* while nobody knows that it is: where the piece may be full."""
        if too_far_at is None:
            grows = fits_at / max(fits - start, 1)
            return min(too_far, max(fits + 1, start + int(self._most / max(grows, 1 / MOST_TIMES))))
        share = (self._most - fits_at) / max(too_far_at - fits_at, 1)
        return min(max(fits + int((too_far - fits) * min(share * 0.98, 0.9)), fits + 1), too_far - 1)

    def _best(self, start: int, latest: int) -> int:
        """The best place for a cut in (*start*, *latest*]: where most stays together, if that fills half a piece."""
        half = start + (latest - start) // HALF
        edges = [edge for fence in self._fences for edge in (fence.start, fence.end) if half < edge <= latest]
        outside = [*self._found(_PARAGRAPH, half, latest), *self._found(_BLOCK, half, latest)]
        if edges := [*edges, *(at for at in outside if self._fence_at(at) is None)]:
            return max(edges)
        if (line := self._text.rfind("\n", half, latest) + 1) > half:
            fence = self._fence_at(line)
            return fence.start if fence is not None and start < fence.start and line == fence.inside else line
        if (sentences := self._found(_SENTENCE, half, latest)) and self._fence_at(latest) is None:
            return max(sentences)
        return self._within(start, half, latest)

    def _within(self, start: int, half: int, latest: int) -> int:
        """The best place for a cut within a sentence or a line of code: between words, else between signs."""
        for spaces in (self._found(_SPACE, half, latest), self._found(_SPACE, start, half)):
            for space in reversed(spaces):
                if self._is_free(space):
                    return space
        for at in range(latest, max(start, latest - self._most), -1):
            if self._is_free(at) and not is_one_sign(self._text, at):
                return at
        for at in range(latest, max(start, latest - LEAST), -1):
            if not is_one_sign(self._text, at):
                return at
        return latest

    def _found(self, pattern: re.Pattern[str], start: int, end: int) -> list[int]:
        found = (match.end() for match in pattern.finditer(self._text, start, min(end + 1, len(self._text))))
        return [at for at in found if start < at <= end]

    def _is_free(self, at: int) -> bool:
        """Does a cut there leave links, code spans and the like whole, and no code that ends its fence too early?"""
        fence = self._fence_at(at)
        if fence is not None and closes(self._line_from(at), fence.marker):
            return False
        index = bisect_right(self._kept_from, at) - 1
        return index < 0 or not self._kept[index][0] < at < self._kept[index][1]

    def _line_from(self, at: int) -> str:
        end = self._text.find("\n", at)
        return self._text[at:] if end < 0 else self._text[at:end]

    def _one_sign(self, start: int) -> int:
        """The end of a piece of a single sign, for want of anything that fits better."""
        end = start + 1
        if self._measure(self._text[start:end]) > self._most:
            raise ValueError(f"a piece of {self._most} has no room for {self._text[start:end]!r}")
        while end < len(self._text) and is_one_sign(self._text, end) and self._fits(start, end + 1):
            end += 1
        return end

    def _fits(self, start: int, end: int) -> bool:
        return self._measure(self._piece(start, end)) <= self._most

    def _fence_at(self, at: int, *, or_end: bool = False) -> Fence | None:
        """The fence whose code goes on there; *or_end*: or has just ended, and its fence has not."""
        index = bisect_right(self._fences, at, key=lambda fence: fence.inside) - 1
        fence = self._fences[index] if index >= 0 else None
        return fence if fence is not None and at < fence.inside_end + or_end else None

    def _after_blanks(self, at: int) -> int:
        """Where the next piece begins after a cut: blanks are dropped, but for those that code begins with."""
        fence = self._fence_at(at, or_end=True)
        if self._literal or (fence is not None and self._text[at : fence.inside_end].strip()):
            return at
        at = fence.end if fence is not None else at
        found = len(self._text) - len(self._text[at:].lstrip())
        if found == len(self._text):
            return found
        line = self._text.rfind("\n", max(at - 1, 0), found)
        return line + 1 if line >= 0 else found if at else 0

    def _piece(self, start: int, end: int) -> str:
        """The text from *start* to *end*, made to stand by itself."""
        if self._literal:
            return self._text[start:end]
        before, after = self._fence_at(start), self._fence_at(end, or_end=True)
        piece = cut_out(self._text, start, end, before, after)
        if before is None and start and self._text[start - 1] != "\n":
            piece = (
                _NOT_BEGUN.sub(lambda match: match.group() + "\\", piece, count=1) if _NOT_BEGUN.match(piece) else piece
            )
        return piece if after is not None else piece.rstrip()

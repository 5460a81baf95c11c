"""Takes a model's answer apart: thoughts, messages, and the rest. Pure, and nothing is lost: the parts are the whole.

`<message to="name">…</message>` is a message, `<internal>…</internal>` a thought. Models write about tags as well, so
tags in a code fence, and those that are a piece of code by themselves, mean nothing. And they leave tags open: a
message without its end runs to the next one, a thought without its end to the end of all.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import pairwise

from attrs import field, frozen

_TAG = re.compile(r'<message\s+to="([^"]*)"\s*>|</message>')
_THOUGHT = re.compile(r"<internal>|</internal>")
_CODE = re.compile(r"(?<!`)(`+)<[^`\n]*>\1(?!`)")
_OPENING_FENCE = re.compile(r'(?:.*<message\s+to="[^"]*"\s*>)? {0,3}(`{3,}(?=[^`]*\Z)|~{3,})')
_CLOSING_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(?=\s*(?:\Z|</message>|</internal>))")
_HALF_TAG = re.compile(r"</?[a-z]*(?:\s[^<>\n]{0,200})?\Z")


class Kind(Enum):
    """What a part of an answer is."""

    MESSAGE = "message"
    REST = "rest"
    """Outside of all messages."""
    MARK = "mark"
    """A tag that begins or ends a message."""


@frozen
class Part:
    """A part of an answer. *to* is the name that a message is for."""

    kind: Kind
    text: str
    to: str | None = None


def spoken(answer: str) -> str:
    """*answer* without its thoughts."""
    return "".join(text for is_thought, text in thoughts(answer) if not is_thought)


def thoughts(answer: str) -> Iterator[tuple[bool, str]]:
    """*answer* in pieces, each with whether it is a thought, tags included."""
    code = _code_of(answer)
    tags = list(_THOUGHT.finditer(answer))
    last_end = max((tag.start() for tag in tags if tag[0] == "</internal>" and not code.has(tag.start())), default=-1)
    at = 0
    opened = False
    for tag in tags:
        begins = tag[0] == "<internal>"
        if opened is begins:
            continue
        # What is thought stays unsaid rather than that code in it is respected.
        if code.has(tag.start()) and (begins or tag.start() < last_end):
            continue
        end = tag.start() if begins else tag.end()
        yield opened, answer[at:end]
        at, opened = end, begins
    yield opened, answer[at:]


def parts(text: str) -> Iterator[Part]:
    """What *text*, without thoughts, is made of."""
    code = _code_of(text)
    tags = list(_TAG.finditer(text))
    at = 0
    to: str | None = None
    shown = 0
    for number, tag in enumerate(tags):
        begins = tag[1] is not None
        if code.has(tag.start()):
            if begins or shown:
                shown += 1 if begins else -1
                continue
            if to is None or _has_another_end(tags[number + 1 :], code):
                continue
        if to is None and not begins:
            # The end of nothing.
            continue
        yield _part(text[at : tag.start()], to)
        yield Part(Kind.MARK, tag[0])
        at, to, shown = tag.end(), tag[1], 0
    yield _part(text[at:], to)


def without_half_a_tag(text: str) -> str:
    """*text* that is still being written, without what may become a tag."""
    return _HALF_TAG.sub("", text)


def _part(text: str, to: str | None) -> Part:
    return Part(Kind.REST, text) if to is None else Part(Kind.MESSAGE, text, to)


def _has_another_end(tags: Sequence[re.Match[str]], code: _Code) -> bool:
    """Does a message have an end among *tags* outside of code? If not, one in code is it: somebody forgot a fence."""
    following = next((tag for tag in tags if not code.has(tag.start())), None)
    return following is not None and following[1] is None


@frozen
class _Code:
    """What of a text is code."""

    _spans: Sequence[tuple[int, int]]
    """Begins and ends, in order, none within another."""
    _starts: Sequence[int] = field(init=False)

    @_starts.default
    def _every_start(self) -> list[int]:
        return [start for start, _ in self._spans]

    def has(self, at: int) -> bool:
        """Is the character at *at* in it?"""
        before = bisect_right(self._starts, at) - 1
        return before >= 0 and at < self._spans[before][1]


def _code_of(text: str) -> _Code:
    fences = [span for span in _fences(text) if _is_one_piece(text[slice(*span)])]
    edges = [0, *(edge for span in fences for edge in span), len(text)]
    # Every other piece between two edges is a fence.
    others = list(pairwise(edges))[::2]
    pieces = [
        (start + found.start(), start + found.end())
        for start, end in others
        for found in _CODE.finditer(text[start:end])
    ]
    return _Code(sorted([*fences, *pieces]))


def _fences(text: str) -> Iterator[tuple[int, int]]:
    """Where code fences begin and end. One that is never closed is none."""
    at = 0
    opened: tuple[int, str] | None = None
    for line in text.split("\n"):
        if opened is None:
            if (opening := _OPENING_FENCE.match(line)) is not None:
                opened = at + opening.start(1), opening[1]
        elif (closing := _CLOSING_FENCE.match(line)) is not None and closing[1].startswith(opened[1]):
            yield opened[0], at + closing.end()
            opened = None
        at += len(line) + 1


def _is_one_piece(code: str) -> bool:
    """Can *code* be an example? Not if a message ends in it and then another begins and goes on.

    So look two messages each with a fence that was not closed.
    """
    depth = 0
    ended = False
    for tag in _TAG.finditer(code):
        if tag[1] is not None:
            depth += 1
        elif depth:
            depth -= 1
        else:
            ended = True
    return not (ended and depth)

"""The tags of a prompt: written so that no text can pass for a tag, read only as written. Pure.

Everything a stranger may have chosen goes through `_escape`: the four characters that make tags, and those that a
reader does not see or that change what is seen (controls, marks of direction, tag characters, halves of pairs).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from attrs import field, frozen

from runner.errors import MarkupError

DEEPEST = 3
"""Elements within elements; a prompt has two."""

_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_CHARACTERS = {name: character for character, name in _NAMED.items()}
# Joiners (200C, 200D) are left alone: words of some languages and many emoji are made with them.
_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tab and newline
    "\xad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"  # nothing to see
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction
    "\u2028\u2029"  # line ends that are not newlines
    "\ud800-\udfff"  # halves of pairs
    "\U000e0000-\U000e0fff"  # tags, and variations of what is not there
)
_IN_TEXT = re.compile(f'[&<>"{_UNSEEN}]')
_IN_ATTRIBUTE = re.compile(f'[&<>"\t\n{_UNSEEN}]')
_ESCAPED = re.compile("&(?:#x([0-9A-F]{1,6})|[a-z]{2,4});|&")
_OPEN = re.compile(r'<([a-z_]+)((?: [a-z_]+="[^"<>]*")*)( /)?>')
_ATTRIBUTE = re.compile(r' ([a-z_]+)="([^"]*)"')
_TEXT = re.compile("[^<]*")


@frozen
class Element:
    """A tag with its attributes, the elements in it, and then its text. Without either of the two it is `<tag />`."""

    tag: str
    attributes: Mapping[str, str]
    children: tuple[Element, ...] = field(default=(), kw_only=True)
    text: str | None = field(default=None, kw_only=True)
    """None only without children."""


def write(elements: Sequence[Element]) -> str:
    """*elements*, one after the other, each on a new line."""
    return "\n".join(map(_write, elements))


def read(text: str) -> tuple[Element, ...]:
    """The elements that *text* was written from.

    Raises `MarkupError` for what cannot have been written. What could have been written in another way gets through:
    compare with what `write` makes of the result.
    """
    found = []
    at = 0
    while True:
        element, at = _read(text, at, DEEPEST)
        found.append(element)
        if at == len(text):
            break
        at = _expect(text, at, "\n")
    return tuple(found)


def _write(element: Element) -> str:
    attributes = "".join(f' {name}="{_escape(_IN_ATTRIBUTE, value)}"' for name, value in element.attributes.items())
    if element.text is None:
        return f"<{element.tag}{attributes} />"
    inside = "".join(f"\n{_write(child)}" for child in element.children) + ("\n" if element.children else "")
    return f"<{element.tag}{attributes}>{inside}{_escape(_IN_TEXT, element.text)}</{element.tag}>"


def _read(text: str, at: int, depth: int) -> tuple[Element, int]:
    opening = _OPEN.match(text, at)
    if opening is None or not depth:
        raise MarkupError(f"no element at character {at}")
    tag, between, alone = opening.groups()
    attributes = {name: _unescape(value) for name, value in _ATTRIBUTE.findall(between)}
    at = opening.end()
    if alone:
        return Element(tag, attributes), at
    children = []
    while text.startswith("\n<", at) and not text.startswith("\n</", at):
        child, at = _read(text, at + 1, depth - 1)
        children.append(child)
    if children:
        at = _expect(text, at, "\n")
    inside = _TEXT.match(text, at)
    assert inside is not None
    at = _expect(text, inside.end(), f"</{tag}>")
    return Element(tag, attributes, children=tuple(children), text=_unescape(inside[0])), at


def _expect(text: str, at: int, word: str) -> int:
    if not text.startswith(word, at):
        raise MarkupError(f"no {word!r} at character {at}")
    return at + len(word)


def _escape(characters: re.Pattern[str], text: str) -> str:
    return characters.sub(lambda found: _NAMED.get(found[0]) or f"&#x{ord(found[0]):X};", text)


def _unescape(text: str) -> str:
    return _ESCAPED.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    code = found[1]
    if code is None and found[0] in _CHARACTERS:
        return _CHARACTERS[found[0]]
    if code is None or int(code, 16) > 0x10FFFF:
        raise MarkupError(f"no escape: {found[0]!r}")
    return chr(int(code, 16))

"""The instructions of an agent: one text from many hands, each part headed by where it is from. Pure.

CLAUDE.md is one text and not a list of imports: it is replaced in one step, and any model can read it. What is too long
to be read every time is kept beside it, in a file of its own that the text names.

Parts are written by different people. None can pass for another: only the host's own headings are of the first rank,
and what no reader sees (controls, marks of direction, tags) is taken out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

from attrs import frozen

MOST_INLINE = 4_000
"""Characters of a part that stands in the text itself."""
MOST_TEXT = 32_000
"""Characters of all those parts together."""
MOST_PART = 64_000
"""Characters of a part at all; the rest is cut off, and the part says so."""
CUT = "\n\n(cut here: it is longer than it may be)"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_HEADING = re.compile(r"^( {0,3})(#{1,5})(?=[ \t]|$)", re.MULTILINE)
_UNDERLINE = re.compile(r"^( {0,3})=+[ \t]*$", re.MULTILINE)
_LEFT_ALONE = {"\n", "\t", "\u200c", "\u200d"}
"""Words of some languages and many emoji are made with joiners, the last two."""


class Source(Enum):
    """Whose words a part is, in the order in which they are read."""

    SKILL = "skill"
    TOOL = "tool"
    MCP = "mcp"


TITLES = {Source.SKILL: "The skill", Source.TOOL: "The tool", Source.MCP: "The MCP server"}


@frozen
class Part:
    """What somebody else has to say to the agent."""

    source: Source
    name: str
    text: str


@frozen
class Instructions:
    """What is written for one agent group."""

    text: str
    """CLAUDE.md."""
    fragments: Mapping[str, str]
    """The parts that are too long for it, by the name of their file."""
    left_out: tuple[str, ...] = ()
    """A sentence for each part that is in neither, or not whole."""


def instruct(base: str, parts: Iterable[Part], *, fragments: str) -> Instructions:
    """Put together what an agent is told.

    Args:
      base: The host's own words, which come first.
      parts: In any order: the order in the text is by source, then by name.
      fragments: The folder of the long parts, as it is called beside the text.
    """
    sections = [base.strip()]
    files: dict[str, str] = {}
    left: list[str] = []
    room = MOST_TEXT
    for part in _each_once(parts, left):
        text = _tame(part.text[:MOST_PART])
        if not text:
            continue
        if len(part.text) > MOST_PART:
            left.append(f"{part.source.value} {part.name}: only its first {MOST_PART} characters are shown")
            text += CUT
        title = f"# {TITLES[part.source]} “{part.name}”"
        if len(text) <= min(MOST_INLINE, room):
            room -= len(text)
            sections.append(f"{title}\n\n{text}")
        else:
            file = f"{part.source.value}-{part.name}.md"
            files[file] = f"{title}\n\n{text}\n"
            sections.append(f"{title}\n\nRead `{fragments}/{file}`, beside this text, before you use it.")
    return Instructions("\n\n".join(sections) + "\n", files, tuple(left))


def is_name(name: str) -> bool:
    """May a part be called that? It becomes a file's name and stands in a heading."""
    return _NAME.fullmatch(name) is not None


def _each_once(parts: Iterable[Part], left: list[str]) -> Iterator[Part]:
    order = list(Source)
    before: tuple[Source, str] | None = None
    for part in sorted(parts, key=lambda it: (order.index(it.source), it.name, it.text)):
        if not is_name(part.name):
            left.append(f"{part.source.value} {part.name!r}: not a name: letters, digits, - and _")
        elif (part.source, part.name) == before:
            left.append(f"{part.source.value} {part.name}: there are two of that name")
        else:
            before = part.source, part.name
            yield part


def _tame(text: str) -> str:
    """*text* without what nobody sees, and with no heading of the first rank."""
    lines = re.sub("\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text)
    unseen = {one for one in set(lines) - _LEFT_ALONE if unicodedata.category(one) in {"Cc", "Cf", "Cs"}}
    seen = lines.translate(dict.fromkeys(map(ord, unseen))).strip()
    return _UNDERLINE.sub(r"\1---", _HEADING.sub(r"\1#\2", seen))

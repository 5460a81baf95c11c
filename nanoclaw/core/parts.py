"""What one message of a platform may hold, and how a longer one is put into parts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from itertools import zip_longest
from typing import TypeAlias

from attrs import field, frozen
from attrs.validators import ge, gt, optional

from nanoclaw.core.attachments import size_in_words
from nanoclaw.core.outgoing_files import Unsent, unsent
from nanoclaw.core.speech import Native, Say, ShowCard, ShowEdit, ShowReaction

GONE = "\u2013"
"""What a part of a message becomes that an edit has no text for."""


class Unit(Enum):
    """What a platform counts the length of a text in."""

    CHARACTERS = "characters"  # Unicode code points
    UTF16 = "utf-16"  # code units of UTF-16: an emoji is two
    BYTES = "bytes"  # of UTF-8


@frozen(kw_only=True)
class Limits:
    """What one message of a platform may hold."""

    text: int = field(validator=gt(0))
    """Of the text as it is rendered there, in `unit`."""
    unit: Unit = Unit.CHARACTERS
    files: int = field(default=10, validator=ge(0))
    """In one message; 0: the platform takes none."""
    file_bytes: int | None = field(default=None, validator=optional(gt(0)))
    """Of one file; None: as many as the house lets through."""
    both: bool = True
    """May text and files stand in one message?"""


@frozen(kw_only=True)
class Part:
    """What one message of the platform has of ours."""

    text: str
    changes: str | None = None
    """The platform's id of the message that becomes this text; None: it is a new one."""
    files: tuple[int, ...] = ()
    """Which files of the message go with it, by their places."""


@frozen
class Whole:
    """It goes out as it is."""


@frozen(kw_only=True)
class Cut:
    """It goes out as these parts, one after the other; without any, there is nothing left of it."""

    parts: tuple[Part, ...]
    refused: tuple[Unsent, ...] = ()
    """The files that the platform does not take."""


@frozen(kw_only=True)
class File:
    """A file that is to go with a message."""

    name: str
    size: int


Measure: TypeAlias = Callable[[str], int]
Split: TypeAlias = Callable[[str], Sequence[str]]
"""Cuts a text that is too long into pieces that fit, none of them blank."""


def plan(
    say: Say, stands: Sequence[str], files: Sequence[File], limits: Limits, *, measure: Measure, split: Split
) -> Whole | Cut:
    """How a message goes out on a platform of those *limits*.

    What has to be pressed or looked at is shown as it is if it fits, and else in words. An edit changes the parts of
    its message in their order; what is over of its text follows as new messages, and what is over of the message
    becomes `GONE`, as no platform shows nothing.

    Args:
      say: What is to be shown.
      stands: Of an edit: the platform's ids of the parts of what it changes, if there are several.
      files: Those that go with it.
      limits: The platform's.
      measure: How long a text is there.
      split: Cuts one that is too long.
    """
    if isinstance(say.native, ShowReaction):
        return Whole()
    fits = all(measure(text) <= limits.text for text in (say.text, *_shown_with(say.native)))
    pieces = tuple(split(say.text)) if measure(say.text) > limits.text else (say.text,) if say.text else ()
    if isinstance(say.native, ShowEdit):
        ids = tuple(stands) or (say.native.platform_message_id,)
        return Whole() if fits and len(ids) == 1 else Cut(parts=_edited(pieces, ids))
    taken, refused = _sort(files, limits)
    groups = [tuple(taken[at : at + limits.files]) for at in range(0, len(taken), limits.files or 1)]
    together = bool(groups) and (limits.both or not pieces)
    if fits and not refused and len(groups) <= 1 and (together or not groups):
        return Whole()
    parts = [Part(text=piece) for piece in pieces]
    if parts and together:
        parts[-1] = Part(text=pieces[-1], files=groups.pop(0))
    parts += [Part(text="", files=group) for group in groups]
    return Cut(parts=tuple(parts), refused=refused)


def _edited(pieces: Sequence[str], ids: Sequence[str]) -> tuple[Part, ...]:
    pairs = zip_longest(pieces, ids)
    return tuple(Part(text=GONE if piece is None else piece, changes=stands) for piece, stands in pairs)


def _sort(files: Sequence[File], limits: Limits) -> tuple[list[int], tuple[Unsent, ...]]:
    taken: list[int] = []
    refused: list[Unsent] = []
    for place, file in enumerate(files):
        if limits.files == 0:
            refused.append(unsent(file.name, "the chat takes no files"))
        elif limits.file_bytes is not None and file.size > limits.file_bytes:
            refused.append(unsent(file.name, f"larger than the {size_in_words(limits.file_bytes)} that the chat takes"))
        else:
            taken.append(place)
    return taken, tuple(refused)


def _shown_with(native: Native | None) -> tuple[str, ...]:
    """What is shown of it besides the words."""
    return (f"{native.title}\n\n{native.description}",) if isinstance(native, ShowCard) else ()

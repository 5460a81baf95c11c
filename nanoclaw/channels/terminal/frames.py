"""What a terminal chat and the host say to each other over run/cli.sock: one JSON object a line."""

from __future__ import annotations

from typing import TypeAlias, get_args, get_origin

from attrs import Attribute, field, frozen
from attrs.validators import max_len, min_len, optional
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.strategies import configure_tagged_union

MOST_TEXT = 100_000
PIECE_BYTES = 192 << 10
"""Of a file, in one frame; a third more as base64."""
MOST_PIECE = PIECE_BYTES * 4 // 3
MOST_NAME = 1_000


def _says_something(say: Say, _: Attribute[int], files: int) -> None:
    if not say.text and files < 1:
        raise ValueError("neither text nor files")


@frozen(kw_only=True)
class FileStart:
    """A file of the next `Say` follows, in parts and with an end."""

    name: str = field(validator=[min_len(1), max_len(MOST_NAME)])


@frozen(kw_only=True)
class FilePart:
    """The next piece of a file, in base64."""

    data: str = field(validator=[min_len(1), max_len(MOST_PIECE)])


@frozen(kw_only=True)
class FileEnd:
    """The file is whole."""


@frozen(kw_only=True)
class Say:
    """The person at the terminal says *text*; *id* is unique for ever, so that saying it again is harmless.

    *files* is how many files came before it; with one, the text may be empty. *question*: the text is meant as the
    answer to the question of that id.
    """

    id: str = field(validator=[min_len(1), max_len(100)])
    text: str = field(validator=max_len(MOST_TEXT))
    files: int = field(default=0, validator=_says_something)
    question: str | None = field(default=None, validator=optional(max_len(MOST_NAME)))


@frozen(kw_only=True)
class Seen:
    """The message with that key was shown to a person."""

    key: str


FromClient: TypeAlias = FileStart | FilePart | FileEnd | Say | Seen


@frozen(kw_only=True)
class Welcome:
    """The host is there; who answers, and behind which walls."""

    agent: str
    sandbox: str
    provider: str


@frozen(kw_only=True)
class Kept:
    """What was said is stored: it will be answered even if everything dies now."""

    id: str
    answers_for: str | None = None
    """It answers a question; what follows from it comes as an answer to the `Say` of this id."""


@frozen(kw_only=True)
class Declined:
    """What was said is not stored, or nobody hears it."""

    id: str
    why: str


@frozen(kw_only=True)
class ShownFile:
    """A file that comes with a message: *path* is the host's own copy, which goes once the message was seen."""

    name: str
    size: int
    path: str


@frozen(kw_only=True)
class Show:
    """A message for the person, from *speaker*, or from the host itself.

    *answers* is the id of a `Say`; *more*: another answer to it is to be expected.

    Four kinds are more than a text. One has *edits*, the id of the message that this text is from now on. One has
    *reacts_to*, the id of the message that this text, an emoji, is a reaction to, and how that begins. A card has a
    *title*. A question has *question*, its id, and *options*, which are numbered from 1.
    """

    key: str
    text: str
    speaker: str | None
    answers: str | None
    more: bool
    files: tuple[ShownFile, ...] = ()
    edits: str | None = None
    reacts_to: str | None = None
    quoted: str = ""
    title: str = ""
    question: str | None = None
    options: tuple[str, ...] = ()


@frozen(kw_only=True)
class Over:
    """All answers to the `Say` of that id have been shown, and no agent is at it any more."""

    id: str


@frozen(kw_only=True)
class Trouble:
    """A line from the client made no sense."""

    why: str


FromHost: TypeAlias = Welcome | Kept | Declined | Show | Over | Trouble


class FrameError(ValueError):
    """A frame that is none of ours; `str()` says where."""


def _only(cls: type) -> None:
    """Read a *cls* and nothing that could be turned into one: 5 is no text, "false" is no truth value."""

    def exact(value: object, _: type) -> object:
        if type(value) is not cls:
            raise ValueError(f"not a {cls.__name__}")
        if isinstance(value, str):
            value.encode()  # a lone surrogate, which JSON can hold, is nothing that can be stored
        return value

    _converter.register_structure_hook(cls, exact)


def _is_tuple(cls: object) -> bool:
    return get_origin(cls) is tuple


_converter = Converter(forbid_extra_keys=True)
_only(str)
_only(bool)
_only(int)
_converter.register_structure_hook_func(_is_tuple, lambda value, cls: _list(value, get_args(cls)[0]))
configure_tagged_union(FromClient, _converter, tag_name="type")
configure_tagged_union(FromHost, _converter, tag_name="type")


def read_client(frame: object) -> FromClient:
    """What a client said. Raises `FrameError`."""
    return _read(frame, FromClient)  # type: ignore[arg-type, return-value]  # a union is no class to mypy


def read_host(frame: object) -> FromHost:
    """What the host said. Raises `FrameError`."""
    return _read(frame, FromHost)  # type: ignore[arg-type, return-value]  # a union is no class to mypy


def write_client(frame: FromClient) -> dict[str, object]:
    """A client's frame as a JSON object."""
    return _converter.unstructure(frame, unstructure_as=FromClient)  # type: ignore[no-any-return]  # a dict


def write_host(frame: FromHost) -> dict[str, object]:
    """A host's frame as a JSON object."""
    return _converter.unstructure(frame, unstructure_as=FromHost)  # type: ignore[no-any-return]  # a dict


def _list(value: object, of: type) -> tuple[object, ...]:
    if type(value) is not list:
        raise ValueError("not a list")
    return tuple(_converter.structure(item, of) for item in value)


def _read(frame: object, union: type) -> object:
    if not isinstance(frame, dict):
        raise FrameError(f"not a frame: a {type(frame).__name__}")
    try:
        return _converter.structure(frame, union)
    except BaseValidationError as exc:
        raise FrameError("; ".join(transform_error(exc))[:300]) from None
    except (KeyError, TypeError, ValueError) as exc:
        raise FrameError(f"not a frame: {exc}"[:300]) from None

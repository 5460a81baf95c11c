"""What a terminal chat and the host say to each other over run/cli.sock: one JSON object a line."""

from __future__ import annotations

from typing import TypeAlias

from attr import field
from attrs import frozen
from attrs.validators import max_len, min_len
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.strategies import configure_tagged_union

MOST_TEXT = 100_000


@frozen(kw_only=True)
class Say:
    """The person at the terminal says *text*; *id* is unique for ever, so that saying it again is harmless."""

    id: str = field(validator=[min_len(1), max_len(100)])
    text: str = field(validator=[min_len(1), max_len(MOST_TEXT)])


@frozen(kw_only=True)
class Seen:
    """The message with that key was shown to a person."""

    key: str


FromClient: TypeAlias = Say | Seen


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


@frozen(kw_only=True)
class Declined:
    """What was said is not stored, or nobody hears it."""

    id: str
    why: str


@frozen(kw_only=True)
class Show:
    """A message for the person, from *speaker*, or from the host itself.

    *answers* is the id of a `Say`; *more*: another answer to it is to be expected.
    """

    key: str
    text: str
    speaker: str | None
    answers: str | None
    more: bool


@frozen(kw_only=True)
class Trouble:
    """A line from the client made no sense."""

    why: str


FromHost: TypeAlias = Welcome | Kept | Declined | Show | Trouble


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


_converter = Converter(forbid_extra_keys=True)
_only(str)
_only(bool)
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


def _read(frame: object, union: type) -> object:
    if not isinstance(frame, dict):
        raise FrameError(f"not a frame: a {type(frame).__name__}")
    try:
        return _converter.structure(frame, union)
    except BaseValidationError as exc:
        raise FrameError("; ".join(transform_error(exc))[:300]) from None
    except (KeyError, TypeError, ValueError) as exc:
        raise FrameError(f"not a frame: {exc}"[:300]) from None

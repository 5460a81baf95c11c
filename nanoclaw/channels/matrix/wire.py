"""What a Matrix homeserver answers, as far as we look at it: read at the edge, and refused where it does not fit. Pure.

The shapes are those of the client-server API, https://spec.matrix.org/v1.15/client-server-api/: "Syncing", "Getting
events for a room", "Room events".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import frozen
from cattrs import BaseValidationError, Converter, transform_error

T = TypeVar("T")
Content = Mapping[str, Any]


class UnfitError(ValueError):
    """An answer that makes no sense; `str()` says where, and quotes nothing of it."""


@frozen(kw_only=True)
class Event:
    """One event of a room. What is in its content, its sender chose."""

    event_id: str
    type: str
    sender: str
    content: Content
    state_key: str | None = None
    redacts: str | None = None
    """In rooms up to version 10; later ones have it in the content."""
    was: str | None = None
    """Of a membership: what it was before, where the server says so."""


@frozen(kw_only=True)
class Timeline:
    """What is new in a room, oldest first."""

    events: tuple[Any, ...] = ()
    limited: bool = False
    """Is there more between the last answer and this one?"""
    prev_batch: str | None = None
    """Where that more ends."""


@frozen(kw_only=True)
class _Events:
    events: tuple[Any, ...] = ()


@frozen(kw_only=True)
class JoinedRoom:
    """What is new in a room that we are in."""

    timeline: Timeline = Timeline()
    state: _Events = _Events()


@frozen(kw_only=True)
class Invitation:
    """A room that we were asked into."""

    invite_state: _Events = _Events()


@frozen(kw_only=True)
class Rooms:
    """Rooms by id."""

    join: Mapping[str, JoinedRoom] = {}
    invite: Mapping[str, Invitation] = {}
    leave: Mapping[str, Any] = {}


@frozen(kw_only=True)
class Sync:
    """An answer of `/sync`."""

    next_batch: str
    rooms: Rooms = Rooms()


@frozen(kw_only=True)
class Page:
    """An answer of `/rooms/{roomId}/messages`, newest first."""

    chunk: tuple[Any, ...] = ()
    end: str | None = None
    """Where the next page begins; None: there is none."""


def read(cls: type[T], answer: object) -> T:
    """*answer* as a *cls*. Raises `UnfitError`."""
    try:
        return _converter.structure(answer, cls)
    except (BaseValidationError, TypeError, ValueError, AttributeError, KeyError) as exc:
        raise UnfitError("; ".join(transform_error(exc))[:300]) from None


def read_event(raw: object) -> Event | str:
    """One event; a text says why it is none that we can use."""
    if not isinstance(raw, Mapping):
        return "an event that is no object"
    content = raw.get("content")
    texts = [clean(raw.get(name)) for name in ("event_id", "type", "sender")]
    if not isinstance(content, Mapping) or not all(texts):
        return "an event without an id, a type, a sender or a content"
    event_id, kind, sender = texts
    unsigned = raw.get("unsigned")
    previous = unsigned.get("prev_content") if isinstance(unsigned, Mapping) else None
    return Event(
        event_id=event_id,
        type=kind,
        sender=sender,
        content=content,
        state_key=state_key if isinstance(state_key := raw.get("state_key"), str) else None,
        redacts=clean(raw.get("redacts")) or None,
        was=clean(previous.get("membership")) or None if isinstance(previous, Mapping) else None,
    )


def clean(value: object) -> str:
    """A text as it can be stored: NUL and half surrogates, which JSON can hold, are replaced. What is none is empty."""
    if not isinstance(value, str):
        return ""
    return (
        value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    )


def _exact(cls: type) -> None:
    """Read a *cls* and nothing that could be turned into one."""

    def read_exactly(value: object, _: type) -> object:
        if type(value) is not cls:
            raise ValueError(f"not a {cls.__name__}")
        return clean(value) if isinstance(value, str) else value

    _converter.register_structure_hook(cls, read_exactly)


_converter = Converter()
_exact(str)
_exact(bool)

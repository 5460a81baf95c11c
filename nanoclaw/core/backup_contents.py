"""What a backup says of itself: its moment, its files with their digests, and what could not come along. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from attrs import frozen
from cattrs import Converter
from cattrs.errors import BaseValidationError

from schema.times import read_time, write_time

FORMAT = 1
DATABASE = "nanoclaw.db"
SETTINGS = "nanoclaw.toml"
FOLDERS = ("groups", "state", "skills", "spool")
"""The folders of a home that come along. The rest is made anew, is nobody's loss, or is secret."""


@frozen(kw_only=True)
class Stored:
    """A file of a backup."""

    size: int
    sha256: str


@frozen(kw_only=True)
class Skipped:
    """Something that could not come along."""

    path: str
    why: str


@frozen(kw_only=True)
class Contents:
    """The last member of a backup: whatever has it, and agrees with it, is whole."""

    format: int
    made_at: datetime
    install: str | None
    """The home's own id; a home in which no host ever ran has none."""
    tables: int
    """The number of the newest migration of its database."""
    files: Mapping[str, Stored]
    """By path from the home."""
    skipped: tuple[Skipped, ...] = ()


class BadContentsError(ValueError):
    """This is no table of contents that we can follow; `str()` says why."""


def written(contents: Contents) -> object:
    """As JSON."""
    return _converter.unstructure(contents)


def understood(said: object) -> Contents:
    """Read what `written` wrote. Raises `BadContentsError`."""
    if not isinstance(said, Mapping):
        raise BadContentsError("its table of contents is no object")
    try:
        found = _converter.structure(said, Contents)
    except BaseValidationError as exc:
        raise BadContentsError("its table of contents makes no sense") from exc
    if found.format > FORMAT:
        raise BadContentsError("it was made by a newer nanoclaw: restore it with that one")
    for path in found.files:
        if not is_inside(path):
            raise BadContentsError(f"it names a file outside of a home: {path!r}")
    return found


def is_inside(path: str) -> bool:
    """May that be written into a home that is being restored? Only what belongs there, and nothing above it."""
    parts = path.split("/")
    if "\0" in path or not {"", ".", ".."}.isdisjoint(parts):
        return False
    return (len(parts) > 1 and parts[0] in FOLDERS) or path in (DATABASE, SETTINGS)


def through_links(links: Iterable[str], others: Collection[str]) -> tuple[str, ...]:
    """Those paths, of either kind, that are a link's own once more, or lie behind one."""
    seen: set[str] = set()
    wrong = []
    for link in links:
        if link in seen:
            wrong.append(link)
        seen.add(link)
    wrong += [path for path in others if path in seen]
    wrong += [path for path in (*seen, *others) if not seen.isdisjoint(_above(path))]
    return tuple(wrong)


def _above(path: str) -> Iterator[str]:
    while path:
        path = path.rpartition("/")[0]
        yield path


def _moment(value: object, _: type) -> datetime:
    return read_time(str(value))


_converter = Converter(forbid_extra_keys=True)
_converter.register_unstructure_hook(datetime, write_time)
_converter.register_structure_hook(datetime, _moment)


def _exactly(cls: type[Any]) -> None:
    def read(value: object, _: type) -> object:
        if type(value) is not cls:
            raise ValueError(f"not a {cls.__name__}")
        return value

    _converter.register_structure_hook(cls, read)


_exactly(str)
_exactly(int)

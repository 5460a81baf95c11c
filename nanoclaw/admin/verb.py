"""What a verb of the command line is: its words, its arguments as a frozen class, and a function of a connection.

One table of them (`table.py`) makes the commands of the terminal, their help, and what the admin socket answers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from attrs import NOTHING, fields_dict, frozen
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.v import format_exception

from nanoclaw.core.mounts import CheckMounts
from nanoclaw.errors import UsageError
from nanoclaw.model.ids import ChannelName, SessionId, UserId
from schema.sqlite import Connection

MOST_NUMBER = 1 << 53
"""What every program that reads JSON can tell from its neighbours."""

Cell: TypeAlias = str | int | bool | None
Line: TypeAlias = dict[str, Cell]
"""One thing as people and programs see it. `chat_id` stands beside `chat`, for programs only."""


@frozen
class Says:
    """How an argument is asked for; stands in its annotation."""

    help: str
    positional: bool = False


@frozen(kw_only=True)
class Parameter:
    """One argument of a verb, as a command line needs to know it."""

    name: str
    help: str
    positional: bool
    required: bool
    kind: type[str | int | bool | Enum]
    default: object
    """None: it is not said, and nothing follows from that."""

    @property
    def option(self) -> str:
        """How it is spelt where it is an option."""
        return "--" + self.name.rstrip("_").replace("_", "-")


@frozen(kw_only=True)
class Request:
    """Who asks for something, when, and with what leave."""

    now: datetime
    mint: Callable[[str], str]
    operator: UserId
    threaded: Mapping[ChannelName, bool]
    """The channels of this host; which of them have threads?"""
    check_mounts: CheckMounts
    timezone: str = "UTC"
    """IANA name: the zone of people here."""
    confirmed: bool = False

    def confirm(self, question: str) -> None:
        """Go on only if whoever asks has said yes to *question*. Raises `ConfirmationNeededError`."""
        if not self.confirmed:
            raise ConfirmationNeededError(question)


class ConfirmationNeededError(Exception):
    """It can be done, and somebody has to say that it shall be; `str()` is the question."""


@frozen(kw_only=True)
class Answer:
    """What a verb has to say."""

    rows: tuple[Line, ...] = ()
    one: bool = False
    """Is it about one thing, which is the only row?"""
    hidden: tuple[str, ...] = ()
    """What of many rows is for programs: people know each by its names."""
    said: str | None = None
    """A sentence: what was done, or why there is nothing."""
    together: str | None = None
    """Sentences that are half of the answer: programs get an object, with the rows under this name and those beside."""
    hurries: tuple[SessionId, ...] = ()
    """Sessions that are to be looked at now, once this is committed. Not for whoever asked."""


Handler: TypeAlias = Callable[[Connection, Any, Request], Answer]
"""Runs in a transaction of its own. Raises `UsageError` with a sentence that says how to go on."""


@frozen
class Verb:
    """`nanoclaw <resource> <action>`."""

    resource: str
    action: str
    arguments: type
    """A frozen class; its fields are `Annotated` with `Says`."""
    handler: Handler
    """Its description is the verb's help."""
    writes: bool = False
    destroys: bool = False
    """Does it ask before it does anything?"""

    @property
    def help(self) -> str:
        """What it does, as people read it."""
        return inspect.getdoc(self.handler) or ""

    @property
    def name(self) -> str:
        """Both words."""
        return f"{self.resource} {self.action}".strip()

    def parameters(self) -> tuple[Parameter, ...]:
        """What can be said after it, in the order of the class."""
        hints = get_type_hints(self.arguments, include_extras=True)
        return tuple(
            _parameter(name, hints[name], attribute.default) for name, attribute in fields_dict(self.arguments).items()
        )

    def read(self, said: object) -> Any:
        """*said*, which is what JSON can say, as this verb's arguments.

        Raises:
          UsageError: something is missing, is not known, or is not of its kind; it says which.
        """
        if not isinstance(said, dict):
            raise UsageError(f"{self.name}: its arguments are an object, by name")
        try:
            return _converter.structure(said, self.arguments)
        except BaseValidationError as exc:
            raise UsageError(f"{self.name}: {'; '.join(transform_error(exc, '', format_exception))}") from None


def plain_cell(value: object) -> Cell:
    """A field of a row as people read it."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    assert value is None or isinstance(value, str | int)
    return value


def _parameter(name: str, hint: object, default: object) -> Parameter:
    assert get_origin(hint) is Annotated, name
    kind, says = get_args(hint)
    if get_origin(kind) in {Union, UnionType}:
        (kind,) = (member for member in get_args(kind) if member is not NoneType)
    return Parameter(
        name=name,
        help=says.help,
        positional=says.positional,
        required=default is NOTHING,
        kind=kind,
        default=None if default is NOTHING else default,
    )


def _exactly(cls: type) -> None:
    def read(value: object, _: type) -> object:
        if type(value) is not cls:
            raise ValueError(f"not a {cls.__name__}: {value!r}")
        if isinstance(value, int) and abs(value) > MOST_NUMBER:
            raise ValueError("too large a number")
        return value

    _converter.register_structure_hook(cls, read)


_converter = Converter(forbid_extra_keys=True)
_exactly(str)
_exactly(int)
_exactly(bool)

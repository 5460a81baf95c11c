"""The kinds of channels there are: those of this program, and those that other packages bring by entry point."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points

from attrs import Attribute, field, frozen

from nanoclaw.channels.base import Channel, Marks
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.spool import Spool
from nanoclaw.model.ids import ChannelName

GROUP = "nanoclaw.channels"
"""The group of entry points in which other packages name their kinds, as `name = "module:attribute"`."""
BUILT_IN: Mapping[str, str] = {
    "discord": "nanoclaw.channels.discord.kind:KIND",
    "email": "nanoclaw.channels.email.kind:KIND",
    "matrix": "nanoclaw.channels.matrix.kind:KIND",
    "slack": "nanoclaw.channels.slack.kind:KIND",
    "telegram": "nanoclaw.channels.telegram.kind:KIND",
    "webhook": "nanoclaw.channels.webhook.kind:KIND",
}
"""The kinds of this program, and where each is: `module:attribute`. Imported when it is asked for, and no sooner."""
NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def _is_name(_: object, attribute: Attribute[str], value: str) -> None:
    if not NAME.fullmatch(value):
        raise ValueError(f"{attribute.name} {value!r}: small letters and digits in words with hyphens between them")


@frozen(kw_only=True)
class Asked:
    """Something that a channel has to be told when it is added."""

    name: str
    question: str
    secret: bool = False
    """Is it kept in the file of secrets, and never shown?"""
    default: str | None = None
    """What it is if nobody says; None: somebody has to."""


@frozen(kw_only=True)
class Means:
    """What a channel is made of."""

    name: ChannelName
    settings: Mapping[str, str] = field(repr=False)
    """By the names of what its kind asks, all of them; secrets are among them."""
    spool: Spool
    clock: Clock
    marks: Marks
    engages: Callable[[str, str | None], bool]
    """May a plain message that does not address us, in the chat of that platform id and that thread, be heard by
    anybody? False: there is no need to tell of it. Never blocks."""


@frozen(kw_only=True)
class Checked:
    """What a platform says to the settings of a channel."""

    account: str
    """Who we are there, as people see it."""
    notes: tuple[str, ...] = ()
    """What is still to be done there, a sentence each: what to click, and where."""


@frozen(kw_only=True)
class Kind:
    """A kind of channel, such as `telegram`. There may be several channels of one kind."""

    name: str = field(validator=_is_name)
    title: str
    """What people call the platform."""
    asks: tuple[Asked, ...]
    """The setting `url` is among them: where the platform is, by default the real one."""
    make: Callable[[Means], Channel]
    """Makes a channel that does nothing yet. Raises `UsageError` for settings that make no sense."""
    check: Callable[[Means], Awaitable[Checked]]
    """Asks the platform whether these settings will do, and leaves nothing behind there.

    Raises `UsageError` if they will not, and `DeliveryError` if the platform cannot be asked.
    """


def is_yes(settings: Mapping[str, str], asked: Asked) -> bool:
    """Is what was *asked* answered with yes, and not with no? Raises `UsageError` for anything else."""
    said = settings.get(asked.name, asked.default or "")
    match said.strip().casefold():
        case "yes":
            return True
        case "no":
            return False
        case _:
            raise UsageError(f"{asked.name} {said!r}: yes or no")


def names() -> tuple[str, ...]:
    """The names of all kinds, sorted. Imports none of them. Blocks."""
    return tuple(sorted({*BUILT_IN, *_elsewhere()}))


def load(name: str) -> Kind:
    """The kind called *name*. Blocks: it imports what it is in.

    Raises:
      UsageError: there is none, or what is there cannot be used; the sentence says where it is.
    """
    there = [BUILT_IN[name]] if name in BUILT_IN else _elsewhere().get(name, [])
    match there:
        case []:
            known = ", ".join(names()) or "none"
            raise UsageError(f"there is no kind of channel called {name!r}; there are: {known}")
        case [where]:
            return _found(name, where)
        case _:
            raise UsageError(
                f"several packages have a kind of channel called {name!r}, {' and '.join(there)}: keep one of them"
            )


def _elsewhere() -> dict[str, list[str]]:
    """Where the kinds of other packages are. One that is called like one of ours does not replace it."""
    found: dict[str, set[str]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, set()).add(point.value)
    return {name: sorted(where) for name, where in found.items()}


def _found(name: str, where: str) -> Kind:
    module, _, attribute = where.partition(":")
    try:
        kind = getattr(import_module(module), attribute)
    except Exception as exc:
        # A package of somebody else's can fail in any way while it is imported.
        raise UsageError(f"the kind of channel {name!r} cannot be used: {where}: {type(exc).__name__}: {exc}") from exc
    if not isinstance(kind, Kind):
        raise UsageError(f"the kind of channel {name!r} cannot be used: {where} is no nanoclaw.channels.registry.Kind")
    if kind.name != name:
        raise UsageError(f"the kind of channel {name!r} cannot be used: {where} calls itself {kind.name!r}")
    return kind

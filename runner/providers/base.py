"""What the runner asks of a model, and what a model tells it. The one place where models differ ends here."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol, TypeAlias

from attrs import frozen


@frozen
class Init:
    """The model's session has a name, to be given again as `continuation`."""

    continuation: str


@frozen
class Activity:
    """Something happened that nothing else is said of: a sign of life."""


@frozen
class ToolStarted:
    """A tool runs; *declared_timeout* is how long it said it may take."""

    name: str
    declared_timeout: timedelta | None = None


@frozen
class ToolEnded:
    """No tool runs any more."""


@frozen
class TextDelta:
    """A piece of a result to come."""

    text: str


@frozen(kw_only=True)
class SendFile:
    """The model wants the file at *path* sent as it is now, called *name*, with *text* or without.

    *to* is the name of a destination; None is where the message came from that is being answered.
    """

    path: str
    name: str
    text: str = ""
    to: str | None = None


@frozen
class Usage:
    """What a result cost, in tokens."""

    read: int
    written: int


@frozen
class Result:
    """The model is done with what it was given, all of it or a part. *text* is its answer, if it has one."""

    text: str | None
    usage: Usage | None = None


RATE_LIMIT = "rate_limit"
"""The classification of an error that is waited for rather than given up on."""


@frozen
class ProviderError:
    """The model cannot go on; it is the last event. *retryable*: the same again may work after a pause."""

    message: str
    retryable: bool
    classification: str


@frozen
class Compacted:
    """The model shortened what it remembers. Not a result."""


@frozen
class AskHost:
    """The model asks something of the host; *arguments* is JSON. What comes of it is told to the agent by the host."""

    action: str
    arguments: str


Event: TypeAlias = (
    Init | Activity | ToolStarted | ToolEnded | TextDelta | SendFile | AskHost | Result | ProviderError | Compacted
)


class Query(Protocol):
    """One exchange with a model."""

    def push(self, text: str) -> None:
        """Say something more. Never blocks; pointless after `end`."""
        ...

    def end(self) -> None:
        """There is nothing more to say: the events end after the results under way. May be repeated."""
        ...

    def abort(self) -> None:
        """Stop working; the events end. May be repeated."""
        ...

    async def next_event(self) -> Event | None:
        """The next event; None after the last. A checkpoint; cancelled, the event is not lost."""
        ...


class Provider(Protocol):
    """A kind of model."""

    @property
    def name(self) -> str:
        """As container.json names it; saved state is kept by it."""
        ...

    def query(self, prompt: str, continuation: str | None) -> AbstractAsyncContextManager[Query]:
        """Begin an exchange with *prompt*, in the session called *continuation* if there is one.

        Leaving the block ends whatever is under way, within a second, also when it is left by cancellation.
        """
        ...

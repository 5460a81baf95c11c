"""What the runner asks of a model, and what a model tells it. The one place where models differ ends here.

`docs/providers.md` explains it to whoever writes a provider; `tests/runner/providers/contract.py` tests one.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from enum import Enum
from typing import Protocol, TypeAlias

from attrs import frozen


@frozen(kw_only=True)
class Media:
    """A file of the inbox that the model is to see as it is, besides reading its path."""

    path: str
    mime_type: str


@frozen(kw_only=True)
class Input:
    """Something that is put to the model."""

    id: str
    """The runner's own name for it: a UUID, given once."""
    text: str
    media: tuple[Media, ...] = ()


class Trouble(Enum):
    """What keeps a model from going on. Which of them may pass, each error says for itself."""

    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    NETWORK = "network"
    SERVER = "server"
    UNKNOWN_SESSION = "unknown_session"
    """It does not know the continuation, and has taken nothing: the same again, without one, may work at once."""
    REFUSED = "refused"
    """It will not do this, however often it is asked."""
    CRASHED = "crashed"
    """Its process is gone."""


@frozen
class Init:
    """The model's session has a name, to be given again as `continuation`."""

    continuation: str


@frozen
class Activity:
    """Something happened that nothing else is said of: a sign of life."""


@frozen
class Taken:
    """The model has read the *input* of that id: the next result answers it, alone or with others."""

    input: str


@frozen
class ToolStarted:
    """A tool runs; *declared_timeout* is how long it said it may take. *use* tells it from others that run as well."""

    use: str
    name: str
    declared_timeout: timedelta | None = None


@frozen
class ToolEnded:
    """The tool of that *use* runs no more."""

    use: str


@frozen
class TextDelta:
    """A piece of a result to come."""

    text: str


@frozen
class Usage:
    """What a result took. Tokens; of those *read*, *cached* came from the model's cache. Dollars, if they are known."""

    read: int
    written: int
    cached: int = 0
    cost_usd: float | None = None
    model: str | None = None


@frozen
class Result:
    """The model is done with what it has taken. *text* is its answer, if it has one.

    *before* is what it said on the way to it, between its tools: of that, only what is addressed is sent.
    """

    text: str | None
    usage: Usage | None = None
    before: str = ""
    continuation: str | None = None
    """What to give to go on from here, whatever has come later; None: of that, the model keeps nothing."""


@frozen
class Waiting:
    """The model waits by itself until it can go on, for *seconds* if that is known. Over with the next event."""

    why: Trouble
    seconds: float | None = None


@frozen(kw_only=True)
class ProviderError:
    """The model cannot go on; it is the last event. *retryable*: the same again may work after a pause."""

    message: str
    retryable: bool
    trouble: Trouble
    retry_after: float | None = None
    """Seconds that it asks to be left alone for."""


@frozen
class Compacted:
    """The model shortened what it remembers. Not a result."""


Event: TypeAlias = (
    Init | Activity | Taken | ToolStarted | ToolEnded | TextDelta | Result | Waiting | ProviderError | Compacted
)


class Query(Protocol):
    """One stream of inputs to a model, and of what comes of them. It may last for many turns."""

    def push(self, more: Input) -> None:
        """Say something more, also while an answer is under way. Never blocks; pointless after `end`."""
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

    @property
    def native_commands(self) -> bool:
        """Does it understand `/compact` and the like, as the whole text of a query's first input?"""
        ...

    def query(self, first: Input, continuation: str | None, instructions: str) -> AbstractAsyncContextManager[Query]:
        """Begin with *first*, in the session called *continuation* if there is one: a name, or a result's.

        *instructions* is what the model is told before everything else: who it is, and whom it may write to.

        Leaving the block ends whatever is under way, within a second, also when it is left by cancellation.
        """
        ...

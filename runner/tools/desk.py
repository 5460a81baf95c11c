"""What the tools act with: the two files, the clock, and which message is being answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol, TypeVar

from attrs import define, field, frozen

from runner.core.arguments import Parameter, Refused, read_arguments, schema_of
from runner.core.recipients import Place, Recipient, decide_recipient
from runner.inbox import Inbox, patiently
from runner.model import Ask, Posting, Reply
from runner.outbox import Outbox
from runner.tools.base import Answer, Tool
from runner.tools.waits import Waits
from schema.rows import MessageOut, Phase

T = TypeVar("T")


class Shows(Protocol):
    """Says what this runner is doing."""

    def begin_wait(self, who: str, phase: Phase) -> None:
        """*who* waits; *phase* is the name of that."""
        ...

    def end_wait(self, who: str) -> None:
        """*who* waits no more."""
        ...


@define(eq=False)
class Desk:
    """One agent's."""

    inbox: Inbox
    outbox: Outbox
    now: Callable[[], datetime]
    epoch: int
    new_id: Callable[[], str]
    """A name that nobody else has or can guess."""
    shows: Shows | None = field(default=None, init=False)
    """Who is told of waits; None: nobody."""
    current: str | None = field(default=None, init=False)
    """The id of the message that is being answered, which what is said answers as well."""
    waits: Waits = field(factory=Waits, init=False)
    said: set[tuple[str | None, str]] = field(factory=set[tuple[str | None, str]], init=False)
    """What send_message has said in this turn: a destination's name, if it has one, and the text."""

    async def say(self, what: Reply | Posting | Ask) -> MessageOut:
        """Say it now. It is on the disk when this returns, and no checkpoint lies in between."""
        above = await patiently(self.inbox.highest_seq)
        return self.outbox.say(what, above=above, now=self.now())

    async def recipient(self, to: str | None) -> Recipient | Refused:
        """Who is meant by *to*."""
        known = await patiently(self.inbox.destinations)
        return decide_recipient(to, await self._here(), known)

    @contextmanager
    def waiting(self, who: str, phase: Phase) -> Iterator[None]:
        """While the block runs, the turn is said to wait; *phase* is the name of that."""
        if self.shows is None:
            yield
            return
        self.shows.begin_wait(who, phase)
        try:
            yield
        finally:
            self.shows.end_wait(who)

    async def _here(self) -> Place | None:
        """Where the message came from that is being answered, or else where this session is."""
        current = self.current
        row = None if current is None else await patiently(lambda: self.inbox.message(current))
        for place in (row, await patiently(self.inbox.routing)):
            if place is not None and place.channel_type is not None and place.platform_id is not None:
                return place.channel_type, place.platform_id
        return None


@frozen
class Definition:
    """A tool, what its arguments mean, and what it does."""

    tool: Tool
    read: Callable[[Mapping[str, object]], object | Refused]
    """Pure."""
    call: Callable[[Desk, Mapping[str, object]], Awaitable[Answer]]


def define_tool(
    name: str,
    description: str,
    parameters: Sequence[Parameter],
    make: Callable[..., T],
    do: Callable[[Desk, T], Awaitable[Answer | Refused]],
) -> Definition:
    """A tool called *name* that does *do* with what *make* makes of its arguments."""

    def read(arguments: Mapping[str, object]) -> T | Refused:
        return read_arguments(make, parameters, arguments)

    async def call(desk: Desk, arguments: Mapping[str, object]) -> Answer:
        wanted = read(arguments)
        answer = wanted if isinstance(wanted, Refused) else await do(desk, wanted)
        return Answer(answer.why, failed=True) if isinstance(answer, Refused) else answer

    return Definition(Tool(name=name, description=description, parameters=schema_of(parameters)), read, call)

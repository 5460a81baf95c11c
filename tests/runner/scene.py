"""A whole runner without a process: a link, the poll loop, the turns, and a provider that the test has made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import trio
from attrs import define, field

from runner.continuation import Continuation
from runner.core.prompt import Message, SystemResponse, parse
from runner.exchange import Exchange
from runner.inbox import Inbox
from runner.model import Zone
from runner.outbox import Outbox
from runner.poll import Poll
from runner.prompting import Prompting
from runner.providers.base import Provider
from runner.turn import Turns
from runner.turn_tools import NoTools, TurnTools
from runner.watch import InboxWatch
from tests.runner.link import NOW, Link
from tests.runner.scripted import ScriptedProvider, ScriptedQuery, Step

LOOKS = 5_000
"""How often a test looks whether something has happened."""


@define(eq=False)
class Scene:
    """Everything there is."""

    link: Link
    inbox: Inbox
    outbox: Outbox
    provider: ScriptedProvider = field(init=False)
    beats: list[float] = field(factory=list[float], init=False)
    watch: InboxWatch = field(init=False)
    turns: Turns = field(init=False)
    tools: TurnTools = field(factory=NoTools, init=False)

    def now(self) -> datetime:
        """The wall clock follows the mock clock."""
        return NOW + timedelta(seconds=round(trio.current_time(), 3))

    def beat(self) -> None:
        """Note when."""
        self.beats.append(trio.current_time())

    @asynccontextmanager
    async def scripted(
        self, *scripts: Sequence[Step], continuation: str | None = None, native: bool = False
    ) -> AsyncIterator[None]:
        """Run with a provider that goes through *scripts*, one for each query."""
        self.provider = ScriptedProvider(list(scripts), native_commands=native)
        async with self.running(self.provider, continuation=continuation):
            yield

    @asynccontextmanager
    async def running(
        self, provider: Provider, *, most: int = 10, blind: bool = False, continuation: str | None = None
    ) -> AsyncIterator[None]:
        """Run with that provider for the length of the block. *blind*: no commit is seen."""
        kept = {} if continuation is None else {f"continuation:{provider.name}": continuation}
        exchange = Exchange(
            self.inbox,
            self.outbox,
            self.now,
            self.beat,
            Prompting(Zone(name="UTC", rules=UTC), self.now, "/in/inbox"),
            Continuation(self.outbox, self.now, provider.name, kept),
            tools=self.tools,
        )
        self.turns = Turns(provider, exchange, "Nano")
        self.watch = InboxWatch.open(self.link.folder if blind else self.link.inside, self.inbox.version)
        poll = Poll(exchange, self.turns, self.watch, most, provider.native_commands)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(poll.run)
                nursery.start_soon(self.turns.run)
                yield
                nursery.cancel_scope.cancel()
        finally:
            self.watch.close()

    async def until(self, so_far: Callable[[], object], *, every: float = 0.01) -> None:
        """Wait until that is so, and look *every* so many seconds."""
        for _ in range(LOOKS):
            await trio.testing.wait_all_tasks_blocked()
            if so_far():
                return
            await trio.sleep(every)
        pytest.fail("it never happened")

    async def settled(self, *, every: float = 0.01) -> None:
        """Wait until nothing is claimed, after everything that was said before is."""
        await self.until(lambda: self.link.acks() and "processing" not in self.link.acks().values(), every=every)

    @property
    def query(self) -> ScriptedQuery:
        """The newest."""
        return self.provider.queries[-1]

    def heard(self) -> list[list[int | None]]:
        """The numbers of the messages in each input of the newest query."""
        return [[item.id for item in parse(one.text).items if isinstance(item, Message)] for one in self.query.heard]

    def told(self) -> list[str]:
        """What the runner itself told the agent in the newest query."""
        items = [item for one in self.query.heard for item in parse(one.text).items]
        return [item.text for item in items if isinstance(item, SystemResponse) and item.id is None]

    def said(self) -> list[tuple[object, object, str]]:
        """What the agent said: to whom, as an answer to what, and its words."""
        return [(row["destination"], row["in_reply_to"], self.link.text(row)) for row in self.link.messages()]

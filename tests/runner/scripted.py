"""Providers that do what a test says, and remember what they were told."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import trio
from attrs import define, field, frozen

from runner.providers.base import Event, Init, Input, Result, Taken


@frozen
class Until:
    """Go on when so many inputs have been heard in this query, the first included."""

    inputs: int


@frozen
class Take:
    """Say that the inputs up to this one, counted from 1, are taken. A script with one of these says all of them."""

    inputs: int


Step: TypeAlias = Event | Exception | Callable[[], object] | Until | Take | None
"""An event; an error that is raised; something to do; a wait; None: wait for ever."""


@define(eq=False)
class ScriptedQuery:
    """Goes through its steps, and then waits to be told that there is no more.

    A script that says nothing of what is taken takes with each result all that it has heard.
    """

    _steps: list[Step]
    _deaf: bool = False
    """Does it go on when it is told to stop?"""
    heard: list[Input] = field(factory=list[Input], init=False)
    ended: bool = field(default=False, init=False)
    aborted: bool = field(default=False, init=False)
    _by_itself: bool = field(init=False)
    _taken: int = field(default=0, init=False)
    _changed: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._by_itself = not any(isinstance(step, Take | Taken) for step in self._steps)

    @property
    def pushed(self) -> list[str]:
        """What was said after the first."""
        return [one.text for one in self.heard[1:]]

    def push(self, more: Input) -> None:
        """Remember it."""
        assert not self.ended, "said after the end"
        self.heard.append(more)
        self._change()

    def end(self) -> None:
        """Remember it."""
        self.ended = True
        self._change()

    def abort(self) -> None:
        """Nothing is left to do."""
        if self._deaf:
            return
        self.ended = self.aborted = True
        self._steps.clear()
        self._change()

    async def next_event(self) -> Event | None:
        """The next step's event."""
        await trio.lowlevel.checkpoint()
        while self._steps or not self.ended:
            match self._steps[0] if self._steps else None:
                case Until(inputs):
                    await self._until(lambda count=inputs: len(self.heard) >= count)  # type: ignore[misc]  # this count
                case Take(inputs) if self._taken < inputs:
                    return self._take()
                case Result() if self._by_itself and self._taken < len(self.heard):
                    return self._take()
                case Exception() as error:
                    del self._steps[0]
                    raise error
                case None if not self._steps:
                    await self._until(lambda: self.ended)
                case None:
                    await self._until(lambda: self.aborted)
                case step if callable(step):
                    step()
                case Take():
                    pass
                case step:
                    del self._steps[0]
                    return step
            del self._steps[:1]
        return None

    def _take(self) -> Taken:
        self._taken += 1
        return Taken(self.heard[self._taken - 1].id)

    async def _until(self, so_far: Callable[[], bool]) -> None:
        while not so_far():
            await self._changed.wait()

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@define(eq=False)
class ScriptedProvider:
    """One list of steps for each query that it will be asked."""

    _scripts: list[Sequence[Step]]
    name: str = "scripted"
    native_commands: bool = False
    deaf: bool = False
    asked: list[tuple[str, str | None]] = field(factory=list[tuple[str, str | None]], init=False)
    """The first input of each query, and the session it was to go on in."""
    instructions: list[str] = field(factory=list[str], init=False)
    queries: list[ScriptedQuery] = field(factory=list[ScriptedQuery], init=False)
    left: int = field(default=0, init=False)

    @asynccontextmanager
    async def query(self, first: Input, continuation: str | None, instructions: str) -> AsyncGenerator[ScriptedQuery]:
        """Begin with the next script."""
        await trio.lowlevel.checkpoint()
        self.asked.append((first.text, continuation))
        self.instructions.append(instructions)
        query = ScriptedQuery(list(self._scripts.pop(0)), self.deaf)
        query.push(first)
        self.queries.append(query)
        try:
            yield query
        finally:
            self.left += 1


@define(eq=False)
class ObligingQuery:
    """Says "ok" to everything."""

    _heard: list[Input]
    _events: trio.MemoryReceiveChannel[Event]
    _say: trio.MemorySendChannel[Event]

    def push(self, more: Input) -> None:
        """Answer it."""
        self._heard.append(more)
        self._say.send_nowait(Taken(more.id))
        self._say.send_nowait(Result("ok"))

    def end(self) -> None:
        """Say no more."""
        self._say.close()

    def abort(self) -> None:
        """Say no more."""
        self._say.close()

    async def next_event(self) -> Event | None:
        """The next event."""
        try:
            return await self._events.receive()
        except trio.EndOfChannel:
            return None


@define(eq=False)
class ObligingProvider:
    """Says "ok" to everything, one thing after the other."""

    name: str = "obliging"
    native_commands: bool = False
    heard: list[Input] = field(factory=list[Input], init=False)
    queries: int = field(default=0, init=False)

    @asynccontextmanager
    async def query(self, first: Input, continuation: str | None, instructions: str) -> AsyncGenerator[ObligingQuery]:
        """Begin."""
        await trio.lowlevel.checkpoint()
        self.queries += 1
        say, events = trio.open_memory_channel[Event](1_000)
        say.send_nowait(Init(f"s{self.queries}"))
        query = ObligingQuery(self.heard, events, say)
        query.push(first)
        yield query

"""A provider that does what a test says, event by event."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import trio
from attrs import define, field

from runner.providers.base import Event, Input, Result

Step: TypeAlias = Event | Exception | Callable[[], None] | None
"""An event; an error that is raised; something to do; None: wait for ever."""


@define(eq=False)
class ScriptedQuery:
    """Goes through its steps; after each result it waits to be told more, or that there is no more."""

    _steps: list[Step]
    pushed: list[str] = field(factory=list[str], init=False)
    ended: bool = field(default=False, init=False)
    _told: int = field(default=0, init=False)

    def push(self, more: Input) -> None:
        """Remember it."""
        self.pushed.append(more.text)

    def end(self) -> None:
        """Remember it."""
        self.ended = True

    def abort(self) -> None:
        """Nothing is left to do."""
        self._steps.clear()

    async def next_event(self) -> Event | None:
        """The next step's event."""
        await trio.lowlevel.checkpoint()
        while self._steps:
            step = self._steps.pop(0)
            if step is None:
                await trio.sleep_forever()
            elif isinstance(step, Exception):
                raise step
            elif callable(step):
                step()
            else:
                if isinstance(step, Result) and self._told:
                    assert self.ended or len(self.pushed) >= self._told, "nobody answered the last result"
                self._told += isinstance(step, Result)
                return step
        return None


@define(eq=False)
class ScriptedProvider:
    """One list of steps for each query that it will be asked."""

    _scripts: list[Sequence[Step]]
    name: str = "scripted"
    native_commands: bool = False
    asked: list[tuple[str, str | None]] = field(factory=list[tuple[str, str | None]], init=False)
    queries: list[ScriptedQuery] = field(factory=list[ScriptedQuery], init=False)
    left: int = field(default=0, init=False)

    @asynccontextmanager
    async def query(self, first: Input, continuation: str | None, instructions: str) -> AsyncGenerator[ScriptedQuery]:
        """Begin with the next script."""
        await trio.lowlevel.checkpoint()
        self.asked.append((first.text, continuation))
        query = ScriptedQuery(list(self._scripts.pop(0)))
        self.queries.append(query)
        try:
            yield query
        finally:
            self.left += 1

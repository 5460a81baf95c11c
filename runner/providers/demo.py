"""The demo provider: offline, instant and predictable. It shows the system to people and serves the tests."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import trio
from attrs import define, field

from runner.core.prompt import parse
from runner.providers.base import Event, Init
from runner.providers.demo_script import Answer, Crash, Pause, Step, script

CRASH_CODE = 3


@define(eq=False)
class DemoQuery:
    """One exchange with nobody."""

    _agent: str
    _turn: int
    _crash: Callable[[int], object]
    _steps: deque[Step] = field(factory=deque[Step], init=False)
    _answers: list[Answer] = field(factory=list[Answer], init=False)
    _in: trio.MemorySendChannel[str] = field(init=False)
    _prompts: trio.MemoryReceiveChannel[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._in, self._prompts = trio.open_memory_channel[str](math.inf)
        self._steps.append(Init(str(self._turn)))

    def push(self, text: str) -> None:
        """Say something more."""
        self._in.send_nowait(text)

    def end(self) -> None:
        """There is nothing more to say."""
        self._in.close()

    def abort(self) -> None:
        """Forget what is left to do."""
        self._steps.clear()
        self._in.close()
        self._prompts.close()

    async def next_event(self) -> Event | None:
        """The next event of the script. Raises `MarkupError` for a prompt that is none."""
        await trio.lowlevel.checkpoint()
        while True:
            while not self._steps:
                try:
                    prompt = await self._prompts.receive()
                except (trio.EndOfChannel, trio.ClosedResourceError):
                    return None
                steps, answers = script(parse(prompt), agent=self._agent, turn=self._turn, before=self._answers)
                self._steps.extend(steps)
                self._answers = answers or self._answers
            match self._steps[0]:
                case Pause(seconds):
                    await trio.sleep(seconds)
                    self._steps.popleft()
                case Crash():
                    self._crash(CRASH_CODE)
                    self._steps.popleft()
                case event:
                    self._steps.popleft()
                    return event


@define(eq=False)
class DemoProvider:
    """Answers with a twist; says how the system works when asked for help."""

    agent: str
    crash: Callable[[int], object] = os._exit
    """Ends the process at once."""
    name: str = field(default="demo", init=False)

    @asynccontextmanager
    async def query(self, prompt: str, continuation: str | None) -> AsyncGenerator[DemoQuery]:
        """Begin an exchange. The continuation is the number of turns there have been."""
        await trio.lowlevel.checkpoint()
        turns = int(continuation) if continuation and continuation.isdecimal() else 0
        query = DemoQuery(self.agent, turns + 1, self.crash)
        query.push(prompt)
        try:
            yield query
        finally:
            query.abort()

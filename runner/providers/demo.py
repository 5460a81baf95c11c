"""The demo provider: offline, instant and predictable. It shows the system to people and serves the tests."""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import assert_never

import trio
from attrs import define, evolve, field, frozen

from runner.core.items import Message, Prompt, SystemResponse
from runner.core.prompt import parse
from runner.providers.base import (
    Event,
    Init,
    Input,
    ProviderError,
    Result,
    Taken,
    ToolEnded,
    ToolStarted,
    Trouble,
)
from runner.providers.demo_script import Finish, MakeFile, Step, Words, after, finish, script
from runner.providers.demo_tools import Use, send_file
from runner.providers.demo_trouble import Crash, Freeze, Limit, Pause
from runner.tools.base import NoTools, Toolbox

CRASH_CODE = 3
A_YEAR_OF_SECONDS = 31_536_000.0


@frozen
class Calling:
    """A tool that is said to run, and is called next."""

    use: Use
    id: str


@define(eq=False)
class DemoQuery:
    """A conversation with nobody. Each input is answered by a result of its own, in order."""

    _agent: str
    _toolbox: Toolbox
    _turns: int
    """How many there have been."""
    _crash: Callable[[int], object]
    _freeze: Callable[[float], object]
    _refused: Callable[[float], bool]
    """Is it, for so many seconds from the first time on?"""
    _steps: deque[Step | Calling] = field(factory=deque[Step | Calling], init=False)
    _said: list[Words] = field(factory=list[Words], init=False)
    """In answer to the input that was taken last."""
    _before: list[Words] = field(factory=list[Words], init=False)
    """The last words that there were."""
    _uses: int = field(default=0, init=False)
    _tools_used: bool = field(default=False, init=False)
    """For the input that was taken last: words for nobody are thoughts then."""
    _in: trio.MemorySendChannel[Input] = field(init=False)
    _inputs: trio.MemoryReceiveChannel[Input] = field(init=False)
    _made: list[str] = field(factory=list[str], init=False)
    """Files that were made to be sent."""

    def __attrs_post_init__(self) -> None:
        self._in, self._inputs = trio.open_memory_channel[Input](math.inf)

    def push(self, more: Input) -> None:
        """Say something more."""
        self._in.send_nowait(more)

    def end(self) -> None:
        """There is nothing more to say."""
        self._in.close()

    def abort(self) -> None:
        """Forget what is left to do."""
        self._steps.clear()
        self._in.close()
        self._inputs.close()
        self._remove_made()

    async def next_event(self) -> Event | None:
        """The next event of the script. Raises `MarkupError` for a prompt that is none."""
        await trio.lowlevel.checkpoint()
        while True:
            while not self._steps:
                try:
                    self._take(await self._inputs.receive())
                except (trio.EndOfChannel, trio.ClosedResourceError):
                    return None
            event = await self._do(self._steps[0])
            if isinstance(event, Result):
                return evolve(event, continuation=str(self._turns))
            if event is not None:
                return event

    async def _do(self, step: Step | Calling) -> Event | None:
        """Do *step*, which is the first, and what there is to say of that. Cancelled, it stays the first."""
        match step:
            case MakeFile(name, content, text, to):
                self._made.append(_make_file(content))
                self._steps[0] = evolve(send_file(self._made[-1], name, text, to), to=to)
                return None
            case Use():
                self._uses += 1
                self._tools_used = True
                self._steps[0] = Calling(step, f"use-{self._uses}")
                return ToolStarted(f"use-{self._uses}", step.name)
            case Calling(use, use_id):
                answer = await self._toolbox.call(use.name, use.arguments)
                self._remove_made()
                self._steps.popleft()
                self._steps.extendleft(reversed(after(use, answer)))
                return ToolEnded(use_id)
            case Limit(seconds) if self._refused(seconds):
                return ProviderError(message="429: asked for too much", retryable=True, trouble=Trouble.RATE_LIMIT)
            case Pause() | Crash() | Freeze() | Limit():
                await self._suffer(step)
                self._steps.popleft()
                return None
            case Words():
                self._said.append(step)
                self._steps.popleft()
                return None
            case Finish(overheard):
                self._steps.popleft()
                said, self._said = self._said, []
                self._before = said or self._before
                tools, self._tools_used = self._tools_used, False
                return finish(said, overheard, address=tools)
            case _:
                self._steps.popleft()
                return step

    async def _suffer(self, step: Pause | Crash | Freeze | Limit) -> None:
        match step:
            case Pause(seconds):
                await trio.sleep(seconds)
            case Crash():
                self._crash(CRASH_CODE)
            case Freeze():
                self._freeze(A_YEAR_OF_SECONDS)
            case Limit():
                pass
            case _:
                assert_never(step)

    def _take(self, taken: Input) -> None:
        prompt = parse(taken.text)
        if not all(isinstance(item, SystemResponse) and item.id is None for item in prompt.items):
            self._turns += 1
            self._steps.append(Init(str(self._turns)))
        steps = script(prompt, agent=self._agent, turn=self._turns, before=self._before, read=_read_files(prompt))
        self._steps.extend([Taken(taken.id), *steps])

    def _remove_made(self) -> None:
        while self._made:
            Path(self._made.pop()).unlink(missing_ok=True)


@define(eq=False)
class DemoProvider:
    """Answers with a twist; says how the system works when asked for help."""

    agent: str
    crash: Callable[[int], object] = os._exit
    """Ends the process at once."""
    freeze: Callable[[float], object] = time.sleep
    """Lets nothing in the process run for so many seconds."""
    toolbox: Toolbox = field(factory=NoTools, kw_only=True)
    name: str = field(default="demo", init=False)
    native_commands: bool = field(default=False, init=False)
    _limited_until: float | None = field(default=None, init=False)

    @asynccontextmanager
    async def query(self, first: Input, continuation: str | None, instructions: str) -> AsyncGenerator[DemoQuery]:
        """Begin. The continuation is the number of turns there have been; instructions are lost on it."""
        await trio.lowlevel.checkpoint()
        turns = int(continuation) if continuation and continuation.isdecimal() else 0
        query = DemoQuery(self.agent, self.toolbox, turns, self.crash, self.freeze, self._refused)
        query.push(first)
        try:
            yield query
        finally:
            query.abort()

    def _refused(self, seconds: float) -> bool:
        if self._limited_until is None:
            self._limited_until = trio.current_time() + seconds
        if trio.current_time() < self._limited_until:
            return True
        self._limited_until = None
        return False


def _make_file(content: bytes) -> str:
    """A new file with *content*; its path."""
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(content)
    return file.name


def _read_files(prompt: Prompt) -> dict[str, str]:
    """The SHA-256, in hex, of every file that came with *prompt* and can be read; by its path."""
    found = {}
    for item in prompt.items:
        for file in item.attachments if isinstance(item, Message) else ():
            with suppress(OSError), Path(file.path).open("rb") as opened:
                found[file.path] = hashlib.file_digest(opened, "sha256").hexdigest()
    return found

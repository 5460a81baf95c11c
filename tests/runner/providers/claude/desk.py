"""What a test with the real command line needs: a folder, a home, a model on loopback, and a toolbox."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar

import pytest
import trio
from attrs import define, field

from runner.providers.base import Event, Input, Query, Result
from runner.providers.claude.options import DENIED, Server, Settings, Surroundings
from runner.providers.claude.processes import Process, descendants
from runner.providers.claude.provider import ClaudeProvider
from runner.tools.base import Answer, Tool, Toolbox
from tests.support.model_api import ModelApi

PATIENCE_SECONDS = 80.0
"""A command line is ready after a second or two; on a machine that is busy with other tests, after ten."""
MOST_SECONDS = 180
"""Of a test with some command lines."""
INSTRUCTIONS = "You are Nano. Your destination is `room`."
MODEL = "claude-sonnet-4-5"

SEND = Tool(
    name="send_message",
    description="Says something in a chat.",
    parameters={
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
        "additionalProperties": False,
    },
)

E = TypeVar("E")


@define(eq=False)
class Box:
    """Tools that only note that they were called."""

    tools: Sequence[Tool] = (SEND,)
    calls: list[tuple[str, Mapping[str, object]]] = field(factory=list[tuple[str, Mapping[str, object]]])
    failing: bool = False
    takes: float = 0.0
    """Seconds of a call."""

    async def call(self, name: str, arguments: Mapping[str, object]) -> Answer:
        """Note it."""
        await trio.sleep(self.takes)
        self.calls.append((name, arguments))
        return Answer(text="there is no such place" if self.failing else "sent as number 7", failed=self.failing)


@define(eq=False)
class Desk:
    """Queries of one agent group."""

    model: ModelApi
    folder: Path
    home: Path
    box: Box = field(factory=Box)
    denied: Mapping[str, str] = DENIED
    servers: Mapping[str, Server] = field(factory=dict[str, Server])
    gateway: str | None = None
    most_silence: float = 60.0
    _provider: ClaudeProvider | None = field(default=None, init=False)
    _before: frozenset[Process] = field(factory=lambda: frozenset(descendants(os.getpid())), init=False)
    """What other tests have started here, and use again."""

    def processes(self) -> list[Process]:
        """All that was started since, and lives."""
        return [process for process in descendants(os.getpid()) if process not in self._before]

    def provider(self, toolbox: Toolbox | None = None) -> ClaudeProvider:
        """The group's provider, with the tools of the first call."""
        if self._provider is None:
            environment = {"HOME": str(self.home), "ANTHROPIC_API_KEY": "key-of-the-test"}
            settings = Settings(
                assistant_name="Nano",
                model=MODEL,
                base_url=self.model.url,
                gateway=self.gateway,
                servers=self.servers,
            )
            self._provider = ClaudeProvider(
                settings,
                Surroundings(folder=str(self.folder), environment=environment, root=os.geteuid() == 0),
                toolbox or self.box,
                denied=self.denied,
                most_silence=self.most_silence,
            )
        return self._provider

    def query(self, text: str, continuation: str | None = None) -> AbstractAsyncContextManager[Query]:
        """An exchange that begins with *text*, which is the input "1"."""
        return self.provider().query(Input(id="1", text=text), continuation, INSTRUCTIONS)

    async def ask(self, text: str, continuation: str | None = None) -> list[Event]:
        """All events of an exchange of one input."""
        async with self.query(text, continuation) as query:
            query.end()
            return await rest(query)


async def until(query: Query, kind: type[E]) -> tuple[E, list[Event]]:
    """The next event of *kind*, and those before it."""
    before: list[Event] = []
    with trio.fail_after(PATIENCE_SECONDS):
        while (event := await query.next_event()) is not None:
            if isinstance(event, kind):
                return event, before
            before.append(event)
    pytest.fail(f"no {kind.__name__} among {before}")


async def rest(query: Query) -> list[Event]:
    """All events that are still to come."""
    found: list[Event] = []
    with trio.fail_after(PATIENCE_SECONDS):
        while (event := await query.next_event()) is not None:
            found.append(event)
    return found


def of(kind: type[E], events: Sequence[Event]) -> list[E]:
    """Those of *events* that are of *kind*."""
    return [event for event in events if isinstance(event, kind)]


def answers(events: Sequence[Event]) -> list[str | None]:
    """The texts of the results."""
    return [result.text for result in of(Result, events)]

"""One exchange with the model's command line: what is pushed goes in, what it says comes out as events.

An input is answered by the result that names it: the command line is given an id with every input, and says which ids
a turn has taken in (`user_message_uuids`), first when it asks the model and last with the result. Measured (2.1.330):
what is pushed while a tool runs is taken in at the tool's end, into the same result; what is pushed while the model
speaks is the next turn's, several as one; what is pushed before the first turn is in it. The other way to know,
`--replay-user-messages`, says the same and later: inputs that become one message are replayed when the model has begun
to answer, and with all their files.
"""

from __future__ import annotations

import math
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import trio
from attrs import define, field
from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, Message, ResultMessage

from runner.logs import log
from runner.providers.base import Activity, Event, Input, ProviderError, Taken, Waiting
from runner.providers.claude.events import Reading, taken_in, tools_ended
from runner.providers.claude.hooks import Hooks
from runner.providers.claude.media import content_of
from runner.providers.claude.options import OURS
from runner.providers.claude.tools import tool_server
from runner.providers.claude.transport import CommandLine
from runner.providers.claude.trouble import classify
from runner.tools.base import Toolbox

CONNECT_SECONDS = 60.0
LEAVE_SECONDS = 3.0
STDERR_LINES = 30


@define(eq=False)
class ClaudeQuery:
    """An exchange. `run` is its task; the rest never blocks."""

    _fields: Mapping[str, Any]
    """For `ClaudeAgentOptions`."""
    _servers: Mapping[str, Any]
    _toolbox: Toolbox
    _denied: Mapping[str, str]
    _archive_to: Path
    _assistant: str
    _now: Callable[[], datetime]
    _most_silence: float
    """Seconds without a word while an answer is owed and no tool runs. The SDK's own tasks are not ours: should one of
    them die, this is how we notice."""
    _hooks: Hooks = field(init=False)
    _reading: Reading = field(init=False)
    _scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _patience: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _stderr: deque[str] = field(factory=lambda: deque[str](maxlen=STDERR_LINES), init=False)
    _untaken: dict[str, str] = field(factory=dict[str, str], init=False)
    """Inputs that no turn has said yet to have taken in: their runner's names, by ours."""
    _unanswered: set[str] = field(factory=set[str], init=False)
    _ended: bool = field(default=False, init=False)
    _over: trio.Event = field(factory=trio.Event, init=False)
    """The last event has been said."""
    _in: trio.MemorySendChannel[tuple[str, Input]] = field(init=False)
    _inputs: trio.MemoryReceiveChannel[tuple[str, Input]] = field(init=False)
    _out: trio.MemorySendChannel[Event] = field(init=False)
    _events: trio.MemoryReceiveChannel[Event] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._in, self._inputs = trio.open_memory_channel[tuple[str, Input]](math.inf)
        self._out, self._events = trio.open_memory_channel[Event](math.inf)
        self._reading = Reading(self._now)
        self._hooks = Hooks(self._emit, self._denied, self._archive_to, self._assistant, self._now)

    def push(self, more: Input) -> None:
        """Say something more."""
        ours = str(uuid.uuid4())
        self._untaken[ours] = more.id
        self._unanswered.add(ours)
        self._in.send_nowait((ours, more))
        self._alive()

    def end(self) -> None:
        """There is nothing more to say."""
        self._ended = True
        if not self._unanswered:
            self._over.set()

    def abort(self) -> None:
        """Stop: what is under way is interrupted, and the command line ends."""
        self._scope.cancel()

    async def next_event(self) -> Event | None:
        """The next event."""
        try:
            return await self._events.receive()
        except trio.EndOfChannel:
            return None

    async def run(self) -> None:
        """Be the exchange, until it is over.

        Cancellation: a turn under way is interrupted; the command line, and what it has started, ends within
        `LEAVE_SECONDS`.
        """
        try:
            with self._scope:
                await self._talk()
        finally:
            self._over.set()
            self._out.close()

    async def _talk(self) -> None:
        servers = {**self._servers, OURS: tool_server(self._toolbox)}
        options = ClaudeAgentOptions(
            **self._fields,
            mcp_servers=servers,
            hooks=self._hooks.table(),
            stderr=self._stderr.append,
        )
        line = CommandLine(options)
        client = ClaudeSDKClient(options, transport=line)
        try:
            if await self._connect(client):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write, client, line)
                    nursery.start_soon(self._read, client, line)
                    await self._over.wait()
                    # The reader goes on meanwhile: generators of the SDK have to be read to their end.
                    await self._leave(client, line)
                    nursery.cancel_scope.cancel()
        finally:
            await self._leave(client, line)

    async def _leave(self, client: ClaudeSDKClient, line: CommandLine) -> None:
        with trio.CancelScope(shield=True, relative_deadline=LEAVE_SECONDS):
            await client.disconnect()
            await line.close()

    async def _connect(self, client: ClaudeSDKClient) -> bool:
        try:
            with trio.fail_after(CONNECT_SECONDS):
                await client.connect()
        except trio.TooSlowError:
            self._fail(f"the command line was not ready after {CONNECT_SECONDS:g} s")
        except Exception as exc:  # the SDK raises what it likes, `Exception` itself included
            self._fail(str(exc))
        else:
            self._emit(Activity())
            return True
        return False

    async def _write(self, client: ClaudeSDKClient, line: CommandLine) -> None:
        async for ours, given in self._inputs:
            content = await trio.to_thread.run_sync(content_of, given)
            line.busy = True
            try:
                await client.query(_message(ours, content, as_written="@" in given.text))
            except Exception as exc:  # as above; that the command line has gone is read at the other end
                log("not_written", error=exc)
                return
            # The command line has it. Until it says so, a model that thinks for minutes may come first.
            self._emit(Activity())

    async def _read(self, client: ClaudeSDKClient, line: CommandLine) -> None:
        with self._patience:
            self._alive()
            try:
                async for message in client.receive_messages():
                    self._take(message, line)
            except Exception as exc:  # as above
                self._fail(str(exc))
            else:
                self._fail("the command line has ended")
        if self._patience.cancelled_caught:
            self._fail(f"the command line has said nothing for {self._most_silence:g} s")

    def _take(self, message: Message, line: CommandLine) -> None:
        """Make events of *message*, and see whether it is the last."""
        for ours in taken_in(message):
            if (theirs := self._untaken.pop(ours, None)) is not None:
                self._emit(Taken(theirs))
        for use in tools_ended(message):
            self._hooks.ended(use)
        if isinstance(message, ResultMessage):
            self._hooks.all_ended()
            self._unanswered.difference_update(taken_in(message))
            line.busy = bool(self._unanswered)
        for event in self._reading.events(message):
            self._emit(event)
            if isinstance(event, ProviderError):
                self._over.set()
            if isinstance(event, Waiting):
                self._alive(more=event.seconds or 0.0)
        if isinstance(message, ResultMessage) and self._ended and not self._unanswered:
            self._over.set()

    def _emit(self, event: Event) -> None:
        # The last event is the last, also where a hook of the SDK still runs.
        if not self._over.is_set() and not self._scope.cancel_called:
            self._out.send_nowait(event)
            self._alive()

    def _alive(self, *, more: float = 0.0) -> None:
        """Something has happened: begin to wait anew, where there is something to wait for."""
        owed = bool(self._unanswered) and not self._hooks.running
        self._patience.deadline = trio.current_time() + self._most_silence + more if owed else math.inf

    def _fail(self, why: str) -> None:
        """End with an error, unless it is over anyway."""
        if self._over.is_set():
            return
        log("claude_failed", why=why, stderr=list(self._stderr))
        more = [line for line in self._stderr if line not in why]
        self._emit(classify("; ".join([why, *more]), crashed=True, now=self._now()))
        self._over.set()


async def _message(
    ours: str, content: str | list[dict[str, object]], *, as_written: bool
) -> AsyncIterator[dict[str, Any]]:
    """The message as the command line wants it.

    *as_written*: a person's `@name` is not to have the file of that name read into the prompt. Not said of every
    message, because the command line then does not list what skills there are before the first tool has run.
    """
    yield {
        **({"client_composed": True} if as_written else {}),
        "type": "user",
        "uuid": ours,
        "message": {"role": "user", "content": content},
        "parent_tool_use_id": None,
    }

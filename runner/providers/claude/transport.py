"""The SDK's own way to the command line, but for the end of it: that is ours, as it has to be short.

The SDK waits five seconds for the command line to go by itself, five more after SIGTERM, and five after SIGKILL; a
runner has two in all. And what a tool has started ends with the command line here; what has cut all ties with its
parents ends with the sandbox.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import trio
from claude_agent_sdk import ClaudeAgentOptions
from claude_agent_sdk._internal.transport.subprocess_cli import SubprocessCLITransport

from runner.logs import log
from runner.providers.claude.processes import descendants, kill, living

WRITE_SECONDS = 0.2
INTERRUPT_SECONDS = 0.25
"""For the tools that it ends, and for the transcript, when a turn is broken off."""
GRACE_SECONDS = 0.5
"""For what it has to write down when nothing more comes in."""
TERMINATE_SECONDS = 0.4
"""For its end after SIGTERM: it takes 0.1 to 0.3 s. By the end of its input alone it would take 2 s, if a tool runs."""
KILL_SECONDS = 0.3
LOOK_SECONDS = 0.01

INTERRUPT = {"type": "control_request", "request_id": "stop", "request": {"subtype": "interrupt"}}


class CommandLine(SubprocessCLITransport):
    """A running command line. `close` ends it, and all that it has started, in 1.5 s at most."""

    def __init__(self, options: ClaudeAgentOptions) -> None:
        super().__init__(prompt=_nothing(), options=options)
        self.busy = False
        """Is there a turn under way? Then it is interrupted first, so that the transcript says so."""
        self._messages: AsyncIterator[dict[str, Any]] | None = None

    @property
    def pid(self) -> int | None:
        """The number of its process; None before the start and after the end."""
        return None if self._process is None else self._process.pid

    def read_messages(self) -> AsyncIterator[dict[str, Any]]:
        """What it says, message by message."""
        self._messages = super().read_messages()
        return self._messages

    async def close(self) -> None:
        """End it. Called by the SDK under a shield of its own; every wait here has a deadline."""
        process = self._process
        if process is not None and process.returncode is None:
            started = descendants(process.pid)
            await self._ask_to_end()
            with trio.move_on_after(INTERRUPT_SECONDS if self.busy else GRACE_SECONDS):
                await process.wait()
            started += descendants(process.pid)
            for end, seconds in ((process.terminate, TERMINATE_SECONDS), (process.kill, KILL_SECONDS)):
                if process.returncode is None:
                    end()
                    with trio.move_on_after(seconds):
                        await process.wait()
            if killed := kill(started):
                log("left_behind", processes=killed)
                with trio.move_on_after(KILL_SECONDS):
                    while living(started):  # noqa: ASYNC110 - processes of others, which nobody tells us of
                        await trio.sleep(LOOK_SECONDS)
        if isinstance(self._messages, AsyncGenerator):
            # Whoever read may have been cancelled between two messages, and have left it open.
            await self._messages.aclose()
        await super().close()

    async def _ask_to_end(self) -> None:
        with trio.move_on_after(WRITE_SECONDS):
            if not self.busy:
                await self.end_input()
                return
            try:
                await self.write(json.dumps(INTERRUPT) + "\n")
            except Exception as exc:  # the SDK has no narrower word for a pipe that is gone
                log("not_interrupted", why=str(exc))


async def _nothing() -> AsyncIterator[dict[str, Any]]:
    """No prompt: inputs are written one by one."""
    none: tuple[dict[str, Any], ...] = ()
    for message in none:
        yield message

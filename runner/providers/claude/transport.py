"""The SDK's own way to the command line, but for the end of it: that is ours, as it has to be short.

The SDK waits five seconds for the command line to go by itself, five more after SIGTERM, and five after SIGKILL; a
runner has two in all. And what a tool has started ends with the command line here.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import trio
from claude_agent_sdk import ClaudeAgentOptions
from claude_agent_sdk._internal.transport.subprocess_cli import SubprocessCLITransport

from runner.logs import log
from runner.providers.claude.processes import descendants, kill

WRITE_SECONDS = 0.2
GRACE_SECONDS = 1.0
"""For what it has to write down once nothing more comes in."""
KILL_SECONDS = 0.5

INTERRUPT = {"type": "control_request", "request_id": "stop", "request": {"subtype": "interrupt"}}


class CommandLine(SubprocessCLITransport):
    """A running command line. `close` ends it, and all that it has started, within two seconds."""

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
            with trio.move_on_after(WRITE_SECONDS):
                if self.busy:
                    await self._try_write(json.dumps(INTERRUPT) + "\n")
                await self.end_input()
            with trio.move_on_after(GRACE_SECONDS):
                await process.wait()
            if process.returncode is None:
                started += descendants(process.pid)
                process.kill()
                with trio.move_on_after(KILL_SECONDS):
                    await process.wait()
            if killed := kill(started):
                log("left_behind", processes=killed)
        if isinstance(self._messages, AsyncGenerator):
            # Whoever read may have been cancelled between two messages, and have left it open.
            await self._messages.aclose()
        await super().close()

    async def _try_write(self, line: str) -> None:
        try:
            await self.write(line)
        except Exception as exc:  # the SDK has no narrower word for a pipe that is gone
            log("not_interrupted", why=str(exc))


async def _nothing() -> AsyncIterator[dict[str, Any]]:
    """No prompt: inputs are written one by one."""
    none: tuple[dict[str, Any], ...] = ()
    for message in none:
        yield message

"""The tools of MCP servers, for the demo provider: each call starts its server, asks it, and ends it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import trio
from attrs import frozen

from runner.model import McpServer
from runner.tools.base import Answer, Tool, Toolbox
from schema.strict_json import JsonError, read

PATIENCE_SECONDS = 20.0
END_SECONDS = 2.0
"""How long a server that is killed is waited for."""
VERSION = "2025-06-18"
"""Of the protocol."""
MOST_ANSWER = 1 << 20
"""Bytes that a server may say."""
_NAME = re.compile(r"mcp__(.+?)__(.+)")


@frozen
class WithServers:
    """A toolbox, and besides what the servers have in theirs."""

    _toolbox: Toolbox
    _servers: Mapping[str, McpServer]

    @property
    def tools(self) -> Sequence[Tool]:
        """Those of the toolbox: the demo asks no server what it has."""
        return self._toolbox.tools

    async def call(self, name: str, arguments: Mapping[str, object]) -> Answer:
        """See `Toolbox`. Cancellation: the server is ended."""
        found = _NAME.fullmatch(name)
        if found is None:
            return await self._toolbox.call(name, arguments)
        server = self._servers.get(found[1])
        if server is None:
            await trio.lowlevel.checkpoint()
            return Answer(
                f"There is no MCP server {found[1]!r}. There are: {', '.join(self._servers) or 'none'}.", True
            )
        try:
            with trio.fail_after(PATIENCE_SECONDS):
                return await _ask(server, found[2], arguments)
        except (OSError, trio.BrokenResourceError, JsonError, EOFError) as exc:
            why = str(exc) or "it has ended without an answer"
            return Answer(f"{found[1]} cannot be asked: {why}", failed=True)
        except trio.TooSlowError:
            return Answer(f"{found[1]} did not answer within {PATIENCE_SECONDS:g} s", failed=True)


@frozen
class _Line:
    """What is said to a server, and what it says."""

    process: trio.Process
    heard: bytearray

    async def ask(self, number: int, method: str, params: Mapping[str, object]) -> Mapping[str, object]:
        """The result of a request."""
        await self.say({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        while True:
            found = read((await self._line()).decode(errors="replace"))
            if isinstance(found, dict) and found.get("id") == number:
                result = found.get("result")
                return result if isinstance(result, dict) else {"isError": True, "error": found.get("error")}

    async def say(self, message: Mapping[str, object]) -> None:
        """Send it."""
        assert self.process.stdin is not None
        await self.process.stdin.send_all(json.dumps(message).encode() + b"\n")

    async def _line(self) -> bytes:
        assert self.process.stdout is not None
        while b"\n" not in self.heard:
            chunk = await self.process.stdout.receive_some()
            if not chunk or len(self.heard) > MOST_ANSWER:
                raise EOFError("it has ended without an answer")
            self.heard.extend(chunk)
        line, _, rest = bytes(self.heard).partition(b"\n")
        self.heard[:] = rest
        return line


async def _ask(server: McpServer, tool: str, arguments: Mapping[str, object]) -> Answer:
    async with _started(server) as line:
        client = {"name": "nanoclaw demo", "version": "1"}
        await line.ask(1, "initialize", {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": client})
        await line.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        result = await line.ask(2, "tools/call", {"name": tool, "arguments": dict(arguments)})
    content = result.get("content")
    said = [str(part.get("text")) for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return Answer("\n".join(said) or json.dumps(result), failed=bool(result.get("isError")))


@asynccontextmanager
async def _started(server: McpServer) -> AsyncIterator[_Line]:
    process = await trio.lowlevel.open_process(
        [server.command, *server.args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **server.env},
    )
    try:
        yield _Line(process, bytearray())
    finally:
        process.kill()
        assert process.stdin is not None
        assert process.stdout is not None
        with trio.CancelScope(shield=True, relative_deadline=END_SECONDS):
            await process.stdin.aclose()
            await process.stdout.aclose()
            await process.wait()

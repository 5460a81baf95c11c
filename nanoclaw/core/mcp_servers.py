"""MCP servers that agents ask for: what can be one, and what people are shown of it. Pure.

A server is a program in the agent's own sandbox: it may do nothing there that its agent may not. What people decide
about is which program it is, with all that it is started with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from nanoclaw.core.approvals import field
from nanoclaw.core.notices import plain
from nanoclaw.core.told import NO_NAME, McpServer, is_server_name
from schema import strict_json
from schema.requests import MOST_VALUE, MOST_VALUES

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_NOT_EVEN_ESCAPED = re.compile("[\0\ud800-\udfff]")
"""What no program can be started with."""


def server_fault(name: str, server: McpServer) -> str | None:
    """Why *server* cannot be one called *name*, as a sentence for its agent; None if it can."""
    if not is_server_name(name):
        return f"{plain(name, 64)}: {NO_NAME}"
    if not server.command.strip():
        return "a server needs a command"
    if len(server.args) > MOST_VALUES or len(server.env) > MOST_VALUES:
        return f"a server has at most {MOST_VALUES} arguments, and as many variables"
    for variable in server.env:
        if _VARIABLE.fullmatch(variable) is None:
            return f"{plain(variable, 64)}: not a name for a variable: letters, digits and _"
    for value in (server.command, *server.args, *server.env.values()):
        if len(value) > MOST_VALUE:
            return f"a command, an argument or a value has at most {MOST_VALUE:,} characters"
        if _NOT_EVEN_ESCAPED.search(value):
            return "a command, an argument or a value has characters that no program takes"
    return None


def server_lines(name: str, server: McpServer) -> Iterator[str]:
    """All of it, a line of a card for each thing."""
    yield field("Server", name)
    yield field("Command", server.command)
    if not server.args:
        yield "Arguments: none"
    for number, value in enumerate(server.args, start=1):
        yield field(f"Argument {number}", value)
    if not server.env:
        yield "Variables: none"
    for variable, value in sorted(server.env.items()):
        yield field(f"Variable {variable}", value)


def server_definition(server: McpServer) -> Mapping[str, object]:
    """As the settings of an agent group have it."""
    said: dict[str, object] = {"command": server.command, "args": list(server.args), "env": dict(server.env)}
    return said if server.kept is None else said | {"kept": list(server.kept)}


def servers_set(text: str) -> dict[str, object]:
    """The servers of an agent group's settings, as they stand there. What is no object is nothing, as for the agent."""
    try:
        found = strict_json.read(text)
    except strict_json.JsonError:
        return {}
    return found if isinstance(found, dict) else {}

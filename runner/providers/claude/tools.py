"""Our own tools as an MCP server inside this process: the SDK passes the model's calls to it."""

from __future__ import annotations

from typing import Any

from claude_agent_sdk import McpSdkServerConfig, SdkMcpTool, create_sdk_mcp_server

from runner.providers.claude.options import OURS
from runner.tools.base import Tool, Toolbox

MOST_MILLISECONDS = 86_400_000
"""Of one call: a person who is asked may sleep over it."""


class Served(McpSdkServerConfig):
    """A server as the command line is told of it: with its own limit, whatever holds for others."""

    timeout: int


def tool_server(toolbox: Toolbox) -> Served:
    """A server that has every tool of *toolbox*."""
    made = create_sdk_mcp_server(OURS, tools=[_served(tool, toolbox) for tool in toolbox.tools])
    return Served(**made, timeout=MOST_MILLISECONDS)


def _served(tool: Tool, toolbox: Toolbox) -> SdkMcpTool[Any]:
    async def handle(arguments: dict[str, Any]) -> dict[str, Any]:
        answer = await toolbox.call(tool.name, arguments)
        return {"content": [{"type": "text", "text": answer.text}], "is_error": answer.failed}

    return SdkMcpTool(name=tool.name, description=tool.description, input_schema=dict(tool.parameters), handler=handle)

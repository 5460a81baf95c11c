"""The tools by which an agent asks for more than it has: add_mcp_server."""

from __future__ import annotations

from runner.core.arguments import Text
from runner.core.lists import NamedTexts, Texts
from runner.tools.asking import request
from runner.tools.desk import Definition, define_tool
from schema.requests import MOST_VALUE, MOST_VALUES, AddMcpServer

SELF_CHANGE: tuple[Definition, ...] = (
    define_tool(
        "add_mcp_server",
        "Ask for an MCP server: a program in your sandbox that speaks MCP on its standard input and output and gives "
        "you tools. A person is shown all of it and has to approve it; you are told later what came of that, and begin "
        "anew with it. It runs with what you may do, and without a network. Never put a secret into it. The same name "
        "again replaces what was there.",
        [
            Text(name="name", about="Letters, digits, - and _; its tools are called after it.", most=64),
            Text(name="command", about="The program. It has to be in your sandbox.", most=MOST_VALUE),
            Texts(name="args", about="Its arguments, one each.", most=MOST_VALUES, longest=MOST_VALUE),
            NamedTexts(name="env", about="Its variables by name.", most=MOST_VALUES, longest=MOST_VALUE),
        ],
        AddMcpServer,
        request,
    ),
)

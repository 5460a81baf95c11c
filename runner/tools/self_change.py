"""The tools by which an agent asks for more than it has: install_packages, add_mcp_server."""

from __future__ import annotations

from runner.core.arguments import Text
from runner.core.lists import NamedTexts, Texts
from runner.tools.asking import request
from runner.tools.desk import Definition, define_tool
from schema.requests import (
    MOST_PACKAGE_NAME,
    MOST_PACKAGES,
    MOST_REASON,
    MOST_VALUE,
    MOST_VALUES,
    AddMcpServer,
    InstallPackages,
)


def _names(kind: str, about: str) -> Texts:
    return Texts(name=kind, about=about, most=MOST_PACKAGES, longest=MOST_PACKAGE_NAME)


SELF_CHANGE: tuple[Definition, ...] = (
    define_tool(
        "install_packages",
        "Ask for packages of Debian, npm or PyPI in the image that your sandboxes start from, for good: what you "
        "install yourself is gone with your sandbox. Their versions are found out, a person is shown them and has to "
        "approve; you are told later what came of that, and begin anew with them. Names alone: no versions, no "
        "addresses.",
        [
            _names("apt", "Debian's packages."),
            _names("npm", "npm's packages; their programs are run by Debian's Node."),
            _names("pip", "PyPI's packages, as far as they need not be compiled."),
            Text(name="reason", about="What for, for whoever decides.", most=MOST_REASON, required=False),
        ],
        InstallPackages,
        request,
    ),
    define_tool(
        "add_mcp_server",
        "Ask for an MCP server: a program in your sandbox that speaks MCP on its standard input and output and gives "
        "you tools. A person is shown all of it and has to approve it; you are told later what came of that, and begin "
        "anew with it. It runs with what you may do, and reaches no more than you. A file of yours that it is started "
        "with has to be there, alone, and is kept as it is now: change it, and you have to ask again. Never put a "
        "secret into it. The same name again replaces what was there.",
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

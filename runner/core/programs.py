"""How an MCP server is started that somebody approved: with copies, in a folder that no agent can write. Pure."""

from __future__ import annotations

import attrs

from runner.model import McpServer
from schema.files import SANDBOX_PROGRAMS

_BEGIN = "import os, sys; os.chdir(sys.argv[1]); os.execvp(sys.argv[2], sys.argv[2:])"
"""Started with `-I -S`: no file and no variable of the agent's decides what happens before."""


def with_copies(server: McpServer, programs: str, interpreter: str) -> McpServer:
    """*server* as it is to be started.

    What no word of it names as a file was no file when somebody saw it. In the agent's folder it could be one by now,
    so the server begins where there are copies and nothing else.

    Args:
      server: Its words name copies by where they are in a sandbox.
      programs: Where they are here: without walls, somewhere else.
      interpreter: The Python that takes it there.
    """

    def here(word: str) -> str:
        return word.replace(f"{SANDBOX_PROGRAMS}/", f"{programs}/")

    words = (server.command, *server.args)
    return attrs.evolve(
        server,
        command=interpreter,
        args=("-I", "-S", "-c", _BEGIN, programs, *map(here, words)),
        # What programs find in their user's home folder, such as Python its packages, is the agent's.
        env={"HOME": programs, **{name: here(value) for name, value in server.env.items()}},
    )

"""How an MCP server is started that somebody approved: with copies, in a folder that no agent can write. Pure."""

from __future__ import annotations

import attrs

from runner.model import McpServer
from schema.files import SANDBOX_PROGRAMS

_BEGIN = (
    "import os, sys; n = 2 + int(sys.argv[1]); os.environ.update(one.split('=', 1) for one in sys.argv[2:n]); "
    "os.chdir(sys.argv[n]); os.execvp(sys.argv[n + 1], sys.argv[n + 1:])"
)
"""Started with `-I -S`, and given the variables as words: no file and no variable of the agent's decides what happens
before. A loader would take what `LD_PRELOAD` names in the agent's folder."""


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
    # What programs find in their user's home folder, such as Python its packages, is the agent's.
    env = {"HOME": programs, **{name: here(value) for name, value in server.env.items()}}
    variables = [f"{name}={value}" for name, value in env.items()]
    return attrs.evolve(
        server,
        command=interpreter,
        args=("-I", "-S", "-c", _BEGIN, str(len(variables)), *variables, programs, *map(here, words)),
        env={},
    )

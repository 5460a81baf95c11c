"""An agent's folder that is a table, and what reads it as `Programs` reads the real one."""

from __future__ import annotations

import trio
from attrs import define, field

from nanoclaw.actors.mcp_server_kind import server_asked
from nanoclaw.core.mcp_programs import Kept, NotThere, Refused, Where, keep, named_files
from nanoclaw.core.told import McpServer
from nanoclaw.model.ids import AgentGroupId
from schema.files import SANDBOX_AGENT

WHERE = Where(kept={SANDBOX_AGENT: 0})


@define
class Disk:
    """The files of one agent, by their paths in its folder."""

    files: dict[str, bytes] = field(factory=dict[str, bytes])

    def asked(self, arguments: str) -> Kept | Refused | None:
        """What a host finds that looks before a request is handled."""
        server = server_asked(arguments)
        return None if server is None else self.looked(server)

    def looked(self, server: McpServer) -> Kept | Refused:
        """What *server* would be started with now."""
        named = named_files(server, WHERE)
        if isinstance(named, Refused):
            return named
        return keep(server, named, {one: self.files.get("/".join(one.path), NotThere()) for one in named})

    async def read(self, _: AgentGroupId, server: McpServer) -> Kept | Refused:
        """See `Programs`."""
        await trio.lowlevel.checkpoint()
        found = self.looked(server)
        await trio.lowlevel.checkpoint()
        return found

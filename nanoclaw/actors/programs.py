"""What an MCP server that an agent asks for would be started with, as its agent's folders are now."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from nanoclaw.actors.granted import granted
from nanoclaw.composing.places import GroupPlaces
from nanoclaw.core.mcp_programs import Kept, Refused, Where, keep, named_files
from nanoclaw.core.mounts import CheckMounts
from nanoclaw.core.told import McpServer
from nanoclaw.kit.threads import Threads
from nanoclaw.link.programs import read_programs
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store import entities
from nanoclaw.store.db import Store
from schema import files


@frozen(kw_only=True)
class Programs:
    """Reads them."""

    store: Store
    threads: Threads
    """For files that a sandbox may lock."""
    check_mounts: CheckMounts
    places: Callable[[AgentGroupId, str], GroupPlaces]
    """Of an agent group and its folder."""

    async def read(self, agent: AgentGroupId, server: McpServer) -> Kept | Refused:
        """*server* with copies of the files that it names and its *agent* can change; or why that cannot be.

        Raises:
          OSError: the host's own trouble.
        """
        group = await self.store.read(entities.agent_group, agent)
        if group is None:
            return Refused("the agent is no longer there")
        places = self.places(agent, group.folder)
        mounts = [one.mount for one in await granted(agent, self.store, self.threads, self.check_mounts)]
        named = named_files(server, _where(places, tuple(one.target for one in mounts if not one.read_write)))
        if isinstance(named, Refused):
            return named
        return keep(server, named, await self.threads.run(read_programs, (places.agent, places.state), named))


def _where(places: GroupPlaces, read_only: tuple[str, ...]) -> Where:
    # An engine without walls has the agent see this machine's own paths.
    kept = {files.SANDBOX_AGENT: 0, str(places.agent): 0, files.SANDBOX_STATE: 1, str(places.state): 1}
    return Where(kept=kept, read_only=read_only)

"""An agent asks for an MCP server, people see all of it, and approved it is one of its settings.

What it would be started with and its agent could change is read when it is asked for, shown, and kept; see
`core.mcp_programs`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs
from attrs import field as attribute
from attrs import frozen

from nanoclaw.actors.approving import Means, ask, payload_of
from nanoclaw.actors.asker import Asker
from nanoclaw.actors.changing import begin_with_it, own_settings
from nanoclaw.core.approvals import field
from nanoclaw.core.mcp_programs import Kept, KeptFile, Refused, program_lines
from nanoclaw.core.mcp_servers import server_definition, server_fault, server_lines, servers_set
from nanoclaw.core.told import MOST_SERVERS, McpServer
from nanoclaw.errors import UsageError
from nanoclaw.kit.ids import mint
from nanoclaw.model.approvals import Approval, ApprovalKind, Shown
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store import entities, programs
from nanoclaw.store.settings import set_settings
from schema import payloads
from schema.payloads import MOST_BODY, PayloadError
from schema.requests import AddMcpServer
from schema.sqlite import Connection

TITLE = "An agent asks for an MCP server: a program in its sandbox that gives it tools"


class ReadsPrograms(Protocol):
    """What is needed of `Programs`."""

    async def read(self, agent: AgentGroupId, server: McpServer) -> Kept | Refused:
        """What *server* would be started with now; see `Programs.read`."""
        ...


@frozen
class McpServerKind:
    """Implements `Kind` and `SlowKind`. Replaces what is set under the name when it is asked for, and nothing else."""

    _programs: ReadsPrograms | None = None
    """None: only of use to ask."""
    _files: Sequence[KeptFile] = ()
    """What was read, where it is asked for."""
    name: ApprovalKind = attribute(default=ApprovalKind.MCP_SERVER, init=False)

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """Every word that it is started with, the files that go with it as far as there is room, what goes for it."""
        group = entities.agent_group(conn, AgentGroupId(str(payload["agent"])))
        assert group is not None
        lines = [field("Agent", group.name), *server_lines(str(payload["name"]), _said(payload))]
        if payload["before"] is not None:
            lines.append(field("Replaces", json.dumps(payload["before"], ensure_ascii=False)))
        room = MOST_BODY - sum(len(line) + 1 for line in lines)
        return Shown(TITLE, (*lines, *program_lines(self._files, room)))

    async def work(self, approval: Approval) -> None:
        """See that what was shown is what it would be started with now. Nothing is done yet."""
        payload = payload_of(approval)
        assert self._programs is not None
        found = await self._programs.read(AgentGroupId(str(payload["agent"])), _said(payload))
        if isinstance(found, Refused):
            raise UsageError(f"it has changed since it was asked for: {found.why}")
        if server_definition(found.server) != payload["server"]:
            raise UsageError(
                "what it would be started with has changed since it was asked for: it has to be asked for anew"
            )

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Set it, and have the session that asked begin anew."""
        payload = payload_of(approval)
        agent, name = AgentGroupId(str(payload["agent"])), str(payload["name"])
        own = own_settings(conn, agent, means.now)
        servers, server = servers_set(own.mcp_servers), _server(payload["server"])
        if servers.get(name) != payload["before"]:
            raise UsageError(f"the server {name} has changed since it was asked for")
        there = programs.kept(conn, agent)
        if any(copy.partition("/")[0] not in there for copy in server.kept or ()):
            raise UsageError("what it would be started with was not kept: it has to be asked for anew")
        servers[name] = server_definition(server)
        if len(servers) > MOST_SERVERS:
            raise UsageError(f"an agent has at most {MOST_SERVERS} servers")
        text = json.dumps(servers, ensure_ascii=False, sort_keys=True)
        set_settings(conn, attrs.evolve(own, mcp_servers=text, updated_at=means.now))
        programs.forget_unneeded(conn, agent)
        done = f"the MCP server {name} is there from the next start of a sandbox on"
        begin_with_it(
            conn, approval, means, f"you have the MCP server {name} now: try its tools, and say what came of it"
        )
        return done


@frozen(kw_only=True)
class McpServerRequests:
    """The handler of what agents ask as `add_mcp_server`."""

    mint: Callable[[str], str] = mint

    def __call__(self, conn: Connection, asker: Asker, runner_id: str, said: AddMcpServer, now: datetime) -> str:
        """Ask a person. Raises `UsageError`."""
        server = _asked(said)
        if (fault := server_fault(said.name, server)) is not None:
            raise UsageError(fault)
        if asker.programs is None:
            raise UsageError("so many at a time are not looked at: ask for one after the other")
        if isinstance(asker.programs, Refused):
            raise UsageError(asker.programs.why)
        kept = asker.programs
        agent, chat = asker.place.agent_group.id, asker.place.messaging_group
        servers = servers_set(own_settings(conn, agent, now).mcp_servers)
        before, definition = servers.get(said.name), server_definition(kept.server)
        if before == definition:
            raise UsageError(f"the server {said.name} is set just so already")
        if before is None and len(servers) >= MOST_SERVERS:
            raise UsageError(f"an agent has at most {MOST_SERVERS} servers")
        approval = ask(
            conn,
            kind=McpServerKind(files=kept.files),
            subject=f"mcp-server/{agent}/{said.name}",
            payload={
                "agent": agent,
                "name": said.name,
                "said": server_definition(server),
                "server": definition,
                "before": before,
            },
            agent=agent,
            session=asker.place.session.id,
            chat=None if chat is None else chat.id,
            mint=self.mint,
            now=now,
        )
        programs.keep(conn, agent, (file.content for file in kept.files), now=now)
        programs.forget_unneeded(conn, agent)
        return f"submitted: {approval}. A person is asked; you will be told what came of it"


def server_asked(arguments: str) -> McpServer | None:
    """The server that *arguments* of a request ask for, if they can be read and it can be one."""
    try:
        said = payloads.read_as(AddMcpServer, arguments)
    except PayloadError:
        return None
    server = _asked(said)
    return server if server_fault(said.name, server) is None else None


def _asked(said: AddMcpServer) -> McpServer:
    return McpServer(command=said.command, args=said.args, env=said.env)


def _said(payload: Mapping[str, object]) -> McpServer:
    """In the words of the agent."""
    if "said" not in payload:
        raise UsageError("an earlier version was asked for it: it has to be asked for anew")
    return _server(payload["said"])


def _server(said: object) -> McpServer:
    assert isinstance(said, dict)
    kept = said.get("kept")
    return McpServer(
        command=said["command"],
        args=tuple(said["args"]),
        env=dict(said["env"]),
        kept=None if kept is None else tuple(kept),
    )

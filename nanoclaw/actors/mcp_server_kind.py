"""An agent asks for an MCP server, people see all of it, and approved it is one of its settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime

import attrs
from attrs import frozen

from nanoclaw.actors.approving import Means, ask, payload_of
from nanoclaw.actors.asker import Asker
from nanoclaw.actors.changing import begin_with_it, own_settings
from nanoclaw.core.approvals import field
from nanoclaw.core.mcp_servers import server_definition, server_fault, server_lines, servers_set
from nanoclaw.core.told import MOST_SERVERS, McpServer
from nanoclaw.errors import UsageError
from nanoclaw.kit.ids import mint
from nanoclaw.model.approvals import Approval, ApprovalKind, Shown
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store import entities
from nanoclaw.store.settings import set_settings
from schema.requests import AddMcpServer
from schema.sqlite import Connection

TITLE = "An agent asks for an MCP server: a program in its sandbox that gives it tools"


@frozen
class McpServerKind:
    """A kind of approval. What is set under the name when it is asked for is replaced, and nothing else."""

    name: ApprovalKind = ApprovalKind.MCP_SERVER

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """Every word that it is started with, and what goes for it."""
        group = entities.agent_group(conn, AgentGroupId(str(payload["agent"])))
        assert group is not None
        lines = [field("Agent", group.name), *server_lines(str(payload["name"]), _server(payload))]
        if payload["before"] is not None:
            lines.append(field("Replaces", json.dumps(payload["before"], ensure_ascii=False)))
        return Shown(TITLE, tuple(lines))

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Set it, and have the session that asked begin anew."""
        payload = payload_of(approval)
        agent, name = AgentGroupId(str(payload["agent"])), str(payload["name"])
        own = own_settings(conn, agent, means.now)
        servers = servers_set(own.mcp_servers)
        if servers.get(name) != payload["before"]:
            raise UsageError(f"the server {name} has changed since it was asked for")
        servers[name] = server_definition(_server(payload))
        if len(servers) > MOST_SERVERS:
            raise UsageError(f"an agent has at most {MOST_SERVERS} servers")
        text = json.dumps(servers, ensure_ascii=False, sort_keys=True)
        set_settings(conn, attrs.evolve(own, mcp_servers=text, updated_at=means.now))
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
        server = McpServer(command=said.command, args=said.args, env=said.env)
        if (fault := server_fault(said.name, server)) is not None:
            raise UsageError(fault)
        agent, chat = asker.place.agent_group.id, asker.place.messaging_group
        servers = servers_set(own_settings(conn, agent, now).mcp_servers)
        before, definition = servers.get(said.name), server_definition(server)
        if before == definition:
            raise UsageError(f"the server {said.name} is set just so already")
        if before is None and len(servers) >= MOST_SERVERS:
            raise UsageError(f"an agent has at most {MOST_SERVERS} servers")
        approval = ask(
            conn,
            kind=McpServerKind(),
            subject=f"mcp-server/{agent}/{said.name}",
            payload={"agent": agent, "name": said.name, "server": definition, "before": before},
            agent=agent,
            session=asker.place.session.id,
            chat=None if chat is None else chat.id,
            mint=self.mint,
            now=now,
        )
        return f"submitted: {approval}. A person is asked; you will be told what came of it"


def _server(payload: Mapping[str, object]) -> McpServer:
    said = payload["server"]
    assert isinstance(said, dict)
    return McpServer(command=said["command"], args=tuple(said["args"]), env=dict(said["env"]))

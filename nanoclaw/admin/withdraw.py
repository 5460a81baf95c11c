"""`nanoclaw groups withdraw`: what an agent got because it asked for it is taken away again."""

from __future__ import annotations

import json
from typing import Annotated

import attrs
from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.restart import end_sandboxes
from nanoclaw.admin.verb import Answer, Request, Says, Verb
from nanoclaw.core.mcp_servers import servers_set
from nanoclaw.core.packages import Packages, Refused, parse, written
from nanoclaw.errors import UsageError
from nanoclaw.store.settings import own_settings, set_settings
from schema.sqlite import Connection


@frozen(kw_only=True)
class Withdraw:
    """From whom, and what."""

    group: Annotated[str, Says("its name, its folder or its id", positional=True)]
    mcp_server: Annotated[str | None, Says("the name of an MCP server")] = None
    package: Annotated[str | None, Says("the name of a package in its image, of whichever kind")] = None
    restart: Annotated[bool, Says("end its sandboxes, as groups restart does: new ones begin without it")] = False


def withdraw(conn: Connection, asked: Withdraw, request: Request) -> Answer:
    """Take an MCP server or a package away. Sandboxes that run keep it until they end."""
    group = references.agent_group(conn, asked.group)
    own = own_settings(conn, group.id, now=request.now)
    if asked.mcp_server is None and asked.package is None:
        raise UsageError("say what: --mcp-server NAME, --package NAME")
    if asked.mcp_server is not None:
        own = attrs.evolve(own, mcp_servers=_without_server(own.mcp_servers, asked.mcp_server))
    rebuild = ""
    if asked.package is not None:
        left = _without_package(own.packages, asked.package)
        own = attrs.evolve(own, packages=written(left))
        if not left.none:
            rebuild = f"; its image has {asked.package} until: nanoclaw groups restart {group.folder} --rebuild"
    set_settings(conn, attrs.evolve(own, updated_at=request.now))
    what = " and ".join(name for name in (asked.mcp_server, asked.package) if name is not None)
    ended = len(end_sandboxes(conn, group.id)) if asked.restart else 0
    ends = f"; sandboxes that end now: {ended}" if asked.restart else ""
    return Answer(one=True, said=f"{group.name} has {what} no longer{rebuild}{ends}")


def _without_server(text: str, name: str) -> str:
    found = servers_set(text)
    if name not in found:
        raise UsageError(f"there is no MCP server {name!r}; there are: {', '.join(sorted(found)) or 'none'}")
    return json.dumps({other: said for other, said in found.items() if other != name}, ensure_ascii=False)


def _without_package(text: str, name: str) -> Packages:
    found = parse(text)
    if isinstance(found, Refused):
        raise UsageError(found.why)
    everything = (*found.apt, *found.npm, *found.pip)
    if name not in everything:
        raise UsageError(f"there is no package {name!r}; there are: {', '.join(everything) or 'none'}")
    kinds = {kind: tuple(one for one in getattr(found, kind) if one != name) for kind in ("apt", "npm", "pip")}
    return Packages(**kinds)


VERBS = (Verb("groups", "withdraw", Withdraw, withdraw, writes=True),)

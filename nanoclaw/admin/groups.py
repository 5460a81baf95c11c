"""`nanoclaw groups`: the agents, and what is set for each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import attrs
from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.dependants import refuse_if_used
from nanoclaw.admin.restart import end_sandboxes
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb, plain_cell
from nanoclaw.core.destinations import free_name
from nanoclaw.core.endpoints import BadEndpoint, read_endpoint
from nanoclaw.core.instructions import is_name
from nanoclaw.core.limits import BadLimit, with_limits
from nanoclaw.core.names import is_folder
from nanoclaw.errors import UsageError
from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.sandbox import Network
from nanoclaw.model.settings import AdminScope
from nanoclaw.store import entities
from nanoclaw.store.dependants import forget_in_records
from nanoclaw.store.settings import open_networks, own_settings, set_settings
from nanoclaw.store.wirings import wirings
from schema.sqlite import Connection

SETTINGS = (
    *("provider", "model", "effort", "base_url", "assistant_name", "max_messages_per_prompt", "admin_scope", "network"),
)
LIMITS = ("memory", "cpus", "pids")
ONLY_SHOWN = ("skills", "limits", "image_tag", "mcp_servers", "packages", "additional_mounts")
"""What is set in other ways, or was brought by an import."""


@frozen(kw_only=True)
class List:
    """No arguments."""


@frozen(kw_only=True)
class Get:
    """Which one."""

    group: Annotated[str, Says("its name, its folder or its id", positional=True)]


@frozen(kw_only=True)
class Create:
    """A new one."""

    name: Annotated[str, Says("what people call it", positional=True)]
    folder: Annotated[str | None, Says("its folder in groups/; by default made from the name")] = None


@frozen(kw_only=True)
class Update:
    """What changes; what is not said stays."""

    group: Annotated[str, Says("its name, its folder or its id", positional=True)]
    name: Annotated[str | None, Says("what people call it")] = None
    provider: Annotated[str | None, Says("who thinks; '' for the home's")] = None
    model: Annotated[str | None, Says("the provider's name of its model; '' for the home's")] = None
    effort: Annotated[str | None, Says("how hard the model thinks, in its provider's words; '' for the home's")] = None
    base_url: Annotated[
        str | None, Says("where its model answers, such as http://localhost:11434; '' for its provider's usual place")
    ] = None
    assistant_name: Annotated[str | None, Says("what the agent calls itself; '' for the group's name")] = None
    max_messages_per_prompt: Annotated[int | None, Says("how many messages it is shown at once; 0 for the home's")] = (
        None
    )
    admin_scope: Annotated[AdminScope | None, Says("how far what the agent itself asks of the host may reach")] = None
    skills: Annotated[str | None, Says("which skills it has: all, or names with commas between; '' for none")] = None
    network: Annotated[Network | None, Says("what its sandboxes reach; open is whatever this machine does")] = None
    memory: Annotated[str | None, Says("how much of it a sandbox has, such as 2g; '' for the usual")] = None
    cpus: Annotated[str | None, Says("how many processors a sandbox has, such as 1.5; '' for the usual")] = None
    pids: Annotated[int | None, Says("how many processes a sandbox may have; 0 for the usual")] = None
    restart: Annotated[bool, Says("end its sandboxes, as groups restart does: new ones begin with what is set now")] = (
        False
    )


def list_groups(conn: Connection, _: List, __: Request) -> Answer:
    """All agent groups."""
    groups = entities.agent_groups(conn)
    heard = _heard(conn)
    rows = tuple(_line(group, heard) for group in groups)
    return Answer(
        rows=rows,
        hidden=("id",),
        said=_warning(conn, groups) if rows else "no agent group yet: make one with nanoclaw groups create NAME",
    )


def get(conn: Connection, asked: Get, _: Request) -> Answer:
    """One agent group with its settings."""
    group = references.agent_group(conn, asked.group)
    return Answer(rows=(_line(group, _heard(conn)) | _settings(conn, group),), one=True, said=_warning(conn, [group]))


def create(conn: Connection, asked: Create, request: Request) -> Answer:
    """Make one, with a folder that is nobody else's."""
    if not asked.name.strip():
        raise UsageError("an agent group needs a name")
    owners = {group.folder: group for group in entities.agent_groups(conn)}
    folder = asked.folder if asked.folder is not None else free_name(asked.name, owners)[:63]
    if not is_folder(folder):
        raise UsageError(
            f"{folder!r} cannot be a folder: small letters, digits, - and _ are what it may have, 63 at the most; "
            "choose another with --folder"
        )
    if folder in owners:
        raise UsageError(
            f"the folder {folder!r} belongs to the agent group {owners[folder].name}: choose another with --folder"
        )
    group = AgentGroup(
        id=AgentGroupId(request.mint("agt")), name=asked.name.strip(), folder=folder, created_at=request.now
    )
    entities.add_agent_group(conn, group)
    return Answer(
        rows=(_line(group, _heard(conn)),),
        one=True,
        said=f"made the agent group {group.name}; let it hear a chat with: nanoclaw wirings create CHAT {folder}",
    )


def update(conn: Connection, asked: Update, request: Request) -> Answer:
    """Change its name or its settings. Settings reach the next sandbox, not one that runs and is not restarted."""
    group = references.agent_group(conn, asked.group)
    if asked.name is not None:
        if not asked.name.strip():
            raise UsageError("an agent group needs a name")
        entities.rename_agent_group(conn, group.id, asked.name.strip())
    said: dict[str, Any] = {name: getattr(asked, name) for name in SETTINGS if getattr(asked, name) is not None}
    limits = {name: getattr(asked, name) for name in LIMITS if getattr(asked, name) is not None}
    if said or limits or asked.skills is not None:
        had = own_settings(conn, group.id, now=request.now)
        # Empty, or 0, is nothing of its own.
        new: dict[str, Any] = {name: value or None for name, value in said.items()}
        if asked.base_url:
            new["base_url"] = _base_url(asked.base_url)
        if limits:
            new["limits"] = _limits(had.limits, limits)
        if asked.skills is not None:
            new["skills"] = _skills(asked.skills)
        try:
            set_settings(conn, attrs.evolve(had, updated_at=request.now, **new))
        except ValueError:
            raise UsageError("--max-messages-per-prompt: a number above 0, or 0 for the home's") from None
    elif asked.name is None:
        raise UsageError("nothing to change: see nanoclaw groups update --help")
    changed = references.agent_group(conn, group.id)
    set_anew = said or limits or asked.skills is not None
    later = _later(conn, changed, restart=asked.restart) if set_anew or asked.restart else ""
    warning = _warning(conn, [changed])
    return Answer(
        rows=(_line(changed, _heard(conn)) | _settings(conn, changed),),
        one=True,
        said=f"changed {changed.name}{later}" + (f"\n{warning}" if warning else ""),
    )


def _later(conn: Connection, group: AgentGroup, *, restart: bool) -> str:
    """When sandboxes have what is set now."""
    if not restart:
        return f"; sandboxes that run keep what they were started with, until: nanoclaw groups restart {group.folder}"
    many = len(end_sandboxes(conn, group.id))
    return f"; {many} sandbox{'' if many == 1 else 'es'} that ran with what was set before will end"


def delete(conn: Connection, asked: Get, request: Request) -> Answer:
    """Forget one that nothing refers to. Its folder stays."""
    group = references.agent_group(conn, asked.group)
    refuse_if_used(conn, "agent_groups", group.id, f"the agent group {group.name}")
    request.confirm(f"Delete the agent group {group.name}? Its folder groups/{group.folder} stays.")
    forget_in_records(conn, "agent_groups", group.id)
    entities.delete_agent_group(conn, group.id)
    return Answer(one=True, said=f"deleted the agent group {group.name}; groups/{group.folder} is still there")


def _heard(conn: Connection) -> Counter[AgentGroupId]:
    """How many chats each agent group hears."""
    return Counter(wiring.agent_group_id for wiring in wirings(conn))


def _line(group: AgentGroup, heard: Counter[AgentGroupId]) -> Line:
    return {"id": group.id, "name": group.name, "folder": group.folder, "chats": heard[group.id]}


def _settings(conn: Connection, group: AgentGroup) -> Line:
    found = own_settings(conn, group.id, now=group.created_at)
    return {name: plain_cell(getattr(found, name)) for name in SETTINGS + ONLY_SHOWN}


def _base_url(said: str) -> str:
    found = read_endpoint(said)
    if isinstance(found, BadEndpoint):
        raise UsageError(f"--base-url: {said}: {found.why}")
    return str(found)


def _limits(had: str, changes: dict[str, object]) -> str:
    found = with_limits(had, changes)
    if isinstance(found, BadLimit):
        raise UsageError(f"--{found.why}")
    return found


def _skills(said: str) -> str:
    names = [name.strip() for name in said.split(",") if name.strip()]
    for name in names:
        if not is_name(name):
            raise UsageError(f"--skills: {name!r} is no name of a skill: letters, digits, - and _")
    return json.dumps("all" if names == ["all"] else sorted(set(names)))


def _warning(conn: Connection, groups: Sequence[AgentGroup]) -> str | None:
    """What must not be overlooked: whose sandboxes are not walled off from the network."""
    there = {group.id for group in groups}
    names = [group.name for group in open_networks(conn) if group.id in there]
    return f"WARNING: the network is open to the sandboxes of {', '.join(names)}" if names else None


VERBS = (
    Verb("groups", "list", List, list_groups),
    Verb("groups", "get", Get, get),
    Verb("groups", "create", Create, create, writes=True),
    Verb("groups", "update", Update, update, writes=True),
    Verb("groups", "delete", Get, delete, writes=True, destroys=True),
)
